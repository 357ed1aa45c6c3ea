"""People made up for demonstrations: what they say, and how they answer an interviewer.

Nobody here is real and nothing here is used by the product itself: `manage.py demo` fills its
company with such conversations and `manage.py widget_flow` talks to a server like this.
"""
