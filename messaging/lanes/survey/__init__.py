"""The survey lane: from a keyword over consent to a paid answer."""
