//! Values that have types already: which types of ours are nearest to theirs,
//! what is taken over as it is, and what each value is as text and as JSON.

mod cells;
mod json;
mod nearest;
mod takeover;
mod texts;

pub(crate) use cells::cell_text;
pub(crate) use json::append_row;
pub(crate) use nearest::nearest_type;
pub(crate) use takeover::taken_over;
pub(crate) use texts::Texts;
