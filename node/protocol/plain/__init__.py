"""The dialects of the older plain-text clients: one file each, behind the interface in codec.py."""
