//! Dates as JavaScript prints them.

/// Furthest milliseconds from 1970 that a JavaScript date can be.
const RANGE_MS: f64 = 8.64e15;
const DAY_MS: i64 = 86_400_000;

/// The text of `Date.prototype.toISOString` for `seconds` since 1970, rounded to milliseconds; `None`
/// for an invalid date.
pub(super) fn iso_date(seconds: f64) -> Option<String> {
    // Rounded, since a fraction of a second times 1000 can fall just short of its millisecond.
    let ms = (seconds * 1000.0).round();
    // Written so that NaN is refused too.
    if !(-RANGE_MS..=RANGE_MS).contains(&ms) {
        return None;
    }
    let ms = ms as i64;
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let in_day = ms.rem_euclid(DAY_MS);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    Some(format!(
        "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
    ))
}

/// Year, month and day of a day number (0 is 1970-01-01) in the Gregorian calendar.
fn civil(day_number: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    const DAYS_IN_100_YEARS: i64 = 36_524;
    const DAYS_IN_4_YEARS: i64 = 1_461;
    // Years are counted from March, so that a leap day is the last day of its year. Day 0 of the
    // count is 0000-03-01, which is 719,468 days before 1970.
    let days = day_number + 719_468;
    let era = days.div_euclid(DAYS_IN_400_YEARS);
    let in_era = days.rem_euclid(DAYS_IN_400_YEARS);
    // The last day of a 400-year or 4-year span belongs to the span's last century or year.
    let century = (in_era / DAYS_IN_100_YEARS).min(3);
    let in_century = in_era - century * DAYS_IN_100_YEARS;
    let leap_cycle = in_century / DAYS_IN_4_YEARS;
    let in_cycle = in_century % DAYS_IN_4_YEARS;
    let year_of_cycle = (in_cycle / 365).min(3);
    let in_year = in_cycle - year_of_cycle * 365;
    // From March on, months have 31, 30, 31, 30, 31 days, again and again: 153 days in 5 months.
    let month_from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + century * 100 + leap_cycle * 4 + year_of_cycle + i64::from(month <= 2);
    (year, month, day)
}
