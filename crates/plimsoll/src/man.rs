//! `man`: one manual page, with every command.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::Cli;

/// What no definition of arguments says.
const REST: &str = r#".SH ENVIRONMENT
.TP
\fBNO_COLOR\fR
No colours, where it is not empty.
.TP
\fBCOLUMNS\fR
How wide text is, else as the terminal is.
.TP
\fBSOURCE_DATE_EPOCH\fR
Today, in seconds, where \fB\-\-date\fR does not say.
.TP
\fBGITHUB_STEP_SUMMARY\fR
The file that the job summary is added to.
.SH FILES
.TP
\fIplimsoll.toml\fR
What Plimsoll is to know and to ask, in a directory and below it.
.TP
\fI.plimsoll\-baseline.json\fR
Known instances, which \fBplimsoll baseline\fR writes.
"#;

/// The page, as troff.
pub(crate) fn page() -> io::Result<Vec<u8>> {
    let mut root = Cli::command();
    root.build();
    let whole = Man::new(root.clone());
    let mut out = Vec::new();
    whole.render_title(&mut out)?;
    whole.render_name_section(&mut out)?;
    whole.render_synopsis_section(&mut out)?;
    whole.render_description_section(&mut out)?;
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let own = Man::new(command.clone());
        let mut text = Vec::new();
        own.render_synopsis_section(&mut text)?;
        own.render_description_section(&mut text)?;
        own.render_options_section(&mut text)?;
        if command.get_after_help().is_some() {
            own.render_extra_section(&mut text)?;
        }
        let text = String::from_utf8_lossy(&text).replace(".SH ", ".SS ");
        write!(out, ".SH \"PLIMSOLL {}\"\n{text}", command.get_name().to_uppercase())?;
    }
    out.write_all(REST.as_bytes())?;
    Ok(out)
}
