//! Today, as report headers write it.

use std::time::{SystemTime, UNIX_EPOCH};

/// `--date`, else SOURCE_DATE_EPOCH, else today (UTC).
pub(crate) fn today(given: Option<&str>) -> Result<String, String> {
    if let Some(date) = given {
        return if plimsoll_audit::Date::parse(date).is_some() {
            Ok(date.to_owned())
        } else {
            Err(format!("error: `--date {}` is no date: write YYYY-MM-DD", date.escape_debug()))
        };
    }
    if let Ok(epoch) = std::env::var("SOURCE_DATE_EPOCH") {
        return match epoch.parse::<i64>() {
            Ok(seconds) => Ok(civil(seconds.div_euclid(86_400))),
            Err(_) => Err(format!(
                "error: SOURCE_DATE_EPOCH is `{}`: it has to be seconds",
                epoch.escape_debug()
            )),
        };
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Ok(civil(i64::try_from(seconds / 86_400).unwrap_or(0)))
}

/// A day number since 1970-01-01 as a date of the Gregorian calendar.
fn civil(days: i64) -> String {
    // Days since 0000-03-01, in eras of 400 years, so that leap days come last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_779, "2026-11-22"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(civil(days), date);
        }
    }

    #[test]
    fn a_wrong_date_is_refused() {
        for wrong in ["2026-13-01", "26-1-1", "2026/01/01", "2026-01-0é"] {
            assert!(today(Some(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(today(Some("2026-11-22")), Ok("2026-11-22".to_owned()));
    }
}
