"""The lanes: each an agent that answers one kind of wish. They read; what they want done are
effects the turn controller runs in the turn's one transaction.
"""
