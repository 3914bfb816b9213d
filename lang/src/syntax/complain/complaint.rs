//! What did not fit, by the error production of the grammar that took it.

use crate::syntax::parse::Rule;

/// Something that did not fit, by the error production that took it.
#[derive(Clone, Copy, Debug)]
pub(in crate::syntax) struct Complaint<'t> {
    pub(in crate::syntax) rule: Rule,
    pub(in crate::syntax) start: usize,
    pub(in crate::syntax) end: usize,
    /// Where the element begins that it ends.
    pub(in crate::syntax) from: usize,
    /// The verb of the statement it is in.
    pub(in crate::syntax) verb: Option<&'t str>,
}

/// Whether the rule is an error production.
pub(in crate::syntax) fn is_error(rule: Rule) -> bool {
    is_missing(rule)
        || matches!(
            rule,
            Rule::bad_alias
                | Rule::bad_arg
                | Rule::bad_elem
                | Rule::bad_entry
                | Rule::bad_field
                | Rule::bad_rest
                | Rule::bad_tail
                | Rule::bad_value
                | Rule::bad_head
                | Rule::bad_stmt
                | Rule::junk
        )
}

/// Whether the rule stands where something was to be.
pub(in crate::syntax) fn is_missing(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::missing_expr
            | Rule::missing_type
            | Rule::missing_name
            | Rule::missing_colon
            | Rule::missing_comma
            | Rule::missing_eq
            | Rule::missing_arrow
            | Rule::missing_block
            | Rule::missing_params
            | Rule::missing_value
    )
}
