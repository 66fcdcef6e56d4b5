//! Any bytes as a module of Python.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::within;
use plimsoll_source::FileId;

fuzz_target!(|data: &[u8]| {
    within(data, &plimsoll_syntax::python::read(FileId(0), data).errors);
});
