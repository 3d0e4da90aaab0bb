"""Reads what would be deployed from the templates: functions, APIs, schedules, exports."""
