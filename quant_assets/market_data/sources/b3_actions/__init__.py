"""Corporate actions as B3's listed-companies service answers them (JSON)."""
