"""Factor libraries, one module or package each; a library is found by its being here."""
