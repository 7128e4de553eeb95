"""Headquarters' side: which required reports did not arrive, judged once and with evidence."""
