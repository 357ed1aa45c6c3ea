"""Messaging: WhatsApp conversations from webhook to reply, and the people who step in."""
