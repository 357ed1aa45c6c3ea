"""The company console: pages for the people who ask. One module a subject."""
