"""The dashboard, room by room."""
