import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from workflows.tests.builders import make_execution
from workflows.services.outcomes import log_outcome, read_measure
@pytest.mark.django_db
def test_q(vera, browser_of):
    for n in range(3):
        e=make_execution(vera); log_outcome(person=vera,execution=e,measure=read_measure(metric_type="revenue",value="5",currency="USD"))
    with CaptureQueriesContext(connection) as c: browser_of(vera).get("/me/")
    for q in c.captured_queries: print(q["sql"][:90].replace("\n"," "), "...", q["sql"][q["sql"].find("FROM"):][:100])
