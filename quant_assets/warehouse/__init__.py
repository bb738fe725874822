"""Tables on disk: declared schemas, stores that replace windows atomically, SQL over them."""
