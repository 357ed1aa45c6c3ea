"""The demo company: people, surveys and believable conversations to look at.

Only `manage.py demo` uses this. Everything goes through the same services as real answers; only
the clock is turned back, so that a conversation of minutes does not take minutes to make.
"""
