"""Synthetic scenarios: what offices did, step by step, and the truth that headquarters must find."""
