"""The ledger: the truth at headquarters, derived from the log, behind one port."""
