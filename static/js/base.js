// Owns: the behaviour every page has. Hooks are data- attributes; see templates/components/README.md.
import { watchConfirmations } from "./ui/confirm.js";
import { watchControls } from "./ui/controls.js";
import { watchForms } from "./ui/forms.js";
import { formatLocalTimes } from "./ui/local-time.js";
import { watchPerson } from "./ui/person.js";

watchPerson();
// Before watchForms: a form that is still to be confirmed must not look busy yet.
watchConfirmations();
watchForms();
watchControls();
formatLocalTimes();
