"""What codes mean, in words for reviewers and researchers. Material only."""

from __future__ import annotations

FLAG_WORDS = {
    "prompt_injection": (
        "Instructions instead of an answer",
        "The visitor wrote text that tries to steer the interviewer or the scoring. It changed no "
        "score.",
    ),
    "low_effort": ("Little effort", "Most answers are a word or two where more was asked for."),
    "gibberish": ("Not words", "Part of the text is no language we can recognise."),
    "off_topic": ("Off topic", "What was said has little to do with the questions."),
    "echo": ("Echo of the question", "The answers mostly repeat the words of the question."),
    "repetition": ("Repeats itself", "The same words stand in several answers."),
    "duplicate_answer": (
        "Same answer twice",
        "Two long answers in this conversation are nearly the same.",
    ),
    "duplicate_across_sessions": (
        "Same answer as in another session",
        "Nearly the same words were given in another session of this survey.",
    ),
    "incomplete": ("Incomplete", "Required questions were left without an answer."),
    "speeding": ("Too fast", "The answers came faster than people read and write."),
    "scripted": ("Reads like a script", "The rhythm of the answers is too even for a person."),
    "llm_generated": (
        "Written by a machine, it says",
        "The text gives itself away as the output of a language model.",
    ),
    "hidden_text": ("Hidden characters", "The text carried characters nobody can see."),
    "forged_role": (
        "Speaks as the interviewer",
        "The visitor wrote lines that pretend to come from the interviewer or the system.",
    ),
    "late_turn": ("Said after the end", "Something arrived after Done; it was not scored."),
}
HOLD_WORDS = {
    "daily_cap": (
        "Daily limit reached",
        "The company's automatic pay for that day was used up, so a person decides.",
    ),
    "transcript_source": (
        "The visitor's own transcript",
        "The server had no record of its own; what was scored is what the visitor sent.",
    ),
    "budget_exhausted": (
        "No budget left",
        "When the answer was scored, the survey had no money free. Add funds, then approve.",
    ),
    "appeal": ("Appealed", "The visitor objects to the decision. Nobody can appeal twice."),
}
LEDGER_WORDS = {
    "funding_posted": "Funds added",
    "budget_allocated": "Set aside for a survey",
    "budget_returned": "Returned from a survey",
    "pay_reserved": "Reserved for a session",
    "reservation_released": "Reservation released",
    "reservation_lapsed": "Reservation lapsed",
    "pay_owed": "Owed for an answer",
    "pay_returned": "No longer owed",
    "payout_paid": "Paid to a respondent",
    "payout_reversed": "Payment taken back",
}
ACCOUNT_WORDS = {
    "external": "From outside",
    "funding": "Funds",
    "budget": "Survey budget",
    "reserved": "Reserved",
    "payable": "Owed",
    "paid": "Paid out",
    "wallet": "A respondent's wallet",
}
DIMENSION_WORDS = {
    "coverage": "Coverage",
    "relevance": "Relevance",
    "specificity": "Specificity",
    "depth": "Depth",
    "clarity": "Clarity",
}
CONFIDENCE_WORDS = {
    "early": "Early: fewer than five sessions, so read these as first hints.",
    "growing": "Growing: fewer than thirty sessions; shares may still move.",
    "solid": "Solid: thirty sessions or more.",
}
KIND_WORDS = {"open": "Open", "rating": "Rating", "choice": "Choice", "yes_no": "Yes or no"}
END_WORDS = {
    "done": "The visitor pressed Done",
    "time_limit": "The time was up",
    "stopped": "It was stopped",
    "expired": "Nobody came back in time",
    "erased": "Erased",
    "failed": "Something failed",
}


def explain_reason(code: str) -> tuple[str, str]:
    """Return name and explanation of a flag or of another reason to hold a payout."""
    return FLAG_WORDS.get(code) or HOLD_WORDS.get(code) or (code.replace("_", " ").capitalize(), "")


def ledger_words(kind: str) -> str:
    """Return what a ledger transaction is, in words."""
    return LEDGER_WORDS.get(kind, kind.replace("_", " ").capitalize())
