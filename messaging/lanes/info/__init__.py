"""The info lane: greeting, hours, place, policies, questions, and the way to a person."""
