"""What an inspector asks of a ledger: one case's file, and what a sample of files comes to. Pure; commands show it."""
