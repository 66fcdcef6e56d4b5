//! RUN texts in, effects out.
