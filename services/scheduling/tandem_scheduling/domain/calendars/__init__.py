"""Calendars: iCalendar text (RFC 5545, RFC 5546) as other people's calendars write and read it."""
