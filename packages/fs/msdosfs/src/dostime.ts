/**
 * Times as FAT has them: a date of the years 1980 to 2107 and a time in steps of two seconds, 16 bits each, and for the time of birth hundredths in a byte.
 * They are local; `gmtoff` is how many seconds that is ahead of UTC.
 */

const DAY = 86_400;
/** 1980-01-01 00:00:00 and 2107-12-31 23:59:59, in seconds since 1970. */
const FIRST = 315_532_800;
const LAST = 4_354_819_199;

/** Days since 1970-01-01, by the proleptic Gregorian calendar; `month` 1..12. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a number of days since 1970-01-01, in FAT's 16 bits. */
function dateOf(days: number): number {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const m = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * m + 2) / 5) + 1;
  const month = m < 10 ? m + 3 : m - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return ((year - 1980) << 9) | (month << 5) | day;
}

function clamp(sec: number, gmtoff: number): number {
  return Math.min(LAST, Math.max(FIRST, Math.floor(sec) + gmtoff));
}

/** FAT's date. Times outside of its years are the nearest that there is. */
export function dosDate(sec: number, gmtoff: number): number {
  return dateOf(Math.floor(clamp(sec, gmtoff) / DAY));
}

/** FAT's time of day. */
export function dosTime(sec: number, gmtoff: number): number {
  const s = clamp(sec, gmtoff) % DAY;
  return (Math.floor(s / 3600) << 11) | (Math.floor((s % 3600) / 60) << 5) | ((s % 60) >> 1);
}

/** The odd second and the hundredths that dosTime() leaves out: 0 to 199. */
export function dosFine(sec: number, nsec: number, gmtoff: number): number {
  return (clamp(sec, gmtoff) & 1) * 100 + Math.floor(nsec / 10_000_000);
}

/** Seconds since 1970. A date that is none counts as the nearest that is one. */
export function secondsOfDos(date: number, time: number, gmtoff: number): number {
  const month = Math.min(12, Math.max(1, (date >> 5) & 15));
  const day = Math.max(1, date & 31);
  const seconds = Math.min(23, time >> 11) * 3600 + Math.min(59, (time >> 5) & 63) * 60 + Math.min(29, time & 31) * 2;
  return daysOf(1980 + (date >> 9), month, day) * DAY + seconds - gmtoff;
}
