"""Slides of 1920 by 1080 drawn with Pillow. Pure drawing: no Django, no storage, no loop."""
