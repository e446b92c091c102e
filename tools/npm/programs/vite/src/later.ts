export function later(): string {
  return 'later than ' + import.meta.env.MODE;
}
