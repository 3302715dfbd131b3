#include <stdio.h>

#include "tools/gateway/signature/signature.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool number_at(const char *text, size_t digits, int *ret_number)
{
	*ret_number = 0;
	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*ret_number = *ret_number * 10 + (text[i] - '0');
	}
	return true;
}

static int month_at(const char *text)
{
	for (int i = 0; i < 12; i++) {
		if (memcmp(text, months + i * 3, 3) == 0)
			return i + 1;
	}
	return 0;
}

bool signature_date(const char *text, cadre_time_ms *ret_ms)
{
	/* The day of the week is not looked at: the date says which it is. */
	static const char form[] = "???, ?? ??? ???? ??:??:?? GMT";
	char iso[25];
	int day, month, year, hour, minute, second;

	if (strlen(text) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] != '?' && form[i] != text[i])
			return false;
	}
	month = month_at(text + 8);
	if (month == 0 || !number_at(text + 5, 2, &day) ||
	    !number_at(text + 12, 4, &year) || !number_at(text + 17, 2, &hour) ||
	    !number_at(text + 20, 2, &minute) || !number_at(text + 23, 2, &second))
		return false;
	snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", year % 10000,
	         month % 100, day % 100, hour % 100, minute % 100, second % 100);
	return cadre_time_parse(iso, ret_ms);
}
