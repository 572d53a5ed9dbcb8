"""One drawn thing each: takes records, draws, writes nothing."""
