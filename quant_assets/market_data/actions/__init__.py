"""Corporate actions: their kinds, their arithmetic, and splits that prices show by themselves."""
