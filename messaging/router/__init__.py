"""Which lane an utterance belongs to: active step first, then rules, then a model when unsure."""
