from tandem_chassis.migrations import run

run()
