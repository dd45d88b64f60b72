"""Layers that shape what a network represents: codes, penalties, tied and pretrained layers."""
