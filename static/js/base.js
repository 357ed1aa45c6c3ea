// Owns: the behaviour every page has. Hooks are data- attributes; see templates/components/README.md.
import { watchConfirmations } from "./ui/confirm.js";
import { watchCopyButtons } from "./ui/copy.js";
import { watchDialogs } from "./ui/dialog.js";
import { watchForms } from "./ui/forms.js";
import { formatLocalTimes } from "./ui/local-time.js";
import { watchMenus } from "./ui/menu.js";
import { watchThemeToggle } from "./ui/theme-toggle.js";

// Before watchForms: a form that is still to be confirmed must not look busy yet.
watchConfirmations();
watchForms();
watchCopyButtons();
watchDialogs();
watchMenus();
watchThemeToggle();
formatLocalTimes();
