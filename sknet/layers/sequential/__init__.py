"""Layers over the steps of sequences: recurrent layers, attention, embeddings, masks."""
