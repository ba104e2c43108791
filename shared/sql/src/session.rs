//! The one DataFusion session: its functions and how SQL is read.

use std::sync::OnceLock;

use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use crate::fields::Fields;

/// The session, made when the first rule is compiled.
pub(crate) fn session() -> &'static SessionState {
    static SESSION: OnceLock<SessionState> = OnceLock::new();
    SESSION.get_or_init(|| {
        let mut config = SessionConfig::new();
        let parser = &mut config.options_mut().sql_parser;
        // `0.1` is a decimal, exact beside decimal columns.
        parser.parse_float_as_decimal = true;
        // Names are matched with the columns' before they get this far.
        parser.enable_ident_normalization = false;
        parser.map_string_types_to_utf8view = false;
        let mut state =
            SessionStateBuilder::new_with_default_features().with_config(config).build();
        Fields::register(&mut state);
        state
    })
}
