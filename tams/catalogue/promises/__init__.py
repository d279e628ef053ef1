"""What a catalogue promises of each noun."""
