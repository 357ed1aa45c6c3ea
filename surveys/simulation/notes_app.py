"""Three users of a notes app, for `example_survey.json`."""

from __future__ import annotations

from surveys.simulation.respondent import Persona

DETAILED = Persona(
    name="Dana",
    answers=(
        (
            "On Monday morning I had to turn forty interview notes into a summary for my manager "
            "before the ten o'clock meeting, so I was tagging notes on my laptop.",
            "The summary decides which supplier we keep for 2027, which is why I could not skip a "
            "single interview.",
        ),
        (
            "The search found a quote from March in two seconds because it also looks inside "
            "scanned pages, so I could paste the exact sentence while we were already talking.",
            "Before that I kept a separate spreadsheet with page numbers, and it cost me about "
            "half an hour a week.",
        ),
        (
            "Exporting slowed me down: the export to PDF took six minutes and lost the tags, so I "
            "copied all forty headings by hand and came late to the meeting.",
            "It happens every time a notebook has more than thirty notes, because the export "
            "waits for every picture.",
        ),
        (
            "Let me export only the notes I selected and keep the tags, because that is the step "
            "I repeat every Monday and it would save me around twenty minutes.",
            "With the tags in the file my colleagues in Lisbon could filter it without asking me.",
        ),
    ),
)

QUICK = (
    Persona(
        name="Omar",
        answers=(
            (
                "Last Thursday I planned a school trip for twenty-six pupils and collected the "
                "bus times and allergies in one notebook.",
                "I do that twice a year, always in the week before we leave.",
            ),
            (
                "The search found last year's packing list at once, so I reused it instead of "
                "starting again.",
                "It saved me an evening, because that list has eighty lines.",
            ),
            (
                "Exporting the list to PDF lost the tags, so the other teacher could not see which "
                "pupils need medicine.",
                "I noticed it on the morning we left and wrote it on paper.",
            ),
            (
                "Keep the tags when I export, because other people only ever get the PDF from me.",
                "Then nobody would have to phone me during the trip.",
            ),
        ),
    ),
    Persona(
        name="Mei",
        answers=(
            (
                "I was writing down measurements in a customer's kitchen on my phone on Saturday, "
                "then turned them into an offer at home.",
                "I needed the offer out by Sunday, since two other fitters were asked as well.",
            ),
            (
                "Typing on the phone without a connection worked well; everything was on my "
                "computer when I came home an hour later.",
                "Before, I took photos of a paper pad and lost one of them in May.",
            ),
            (
                "The export to PDF took four minutes with the photos in it, and the first time it "
                "stopped halfway, so I sent the offer late.",
                "It was a notebook with thirty-five photos.",
            ),
            (
                "Let me choose which photos go into the export, because the customer needs three "
                "and not thirty-five.",
                "It would also make the file small enough for e-mail.",
            ),
        ),
    ),
)
