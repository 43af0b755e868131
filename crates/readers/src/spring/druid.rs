//! The limits that Alibaba's pool Druid puts on the connections it makes: where it is the pool, the
//! driver's own defaults are not what holds. Looks for the pool by its keys and its class alone; a pool
//! that code brings along stands in no file.

use model::{Covers, Knob, Origin, Setting, Value};
use text::Span;

use super::blocks::Block;
use super::properties::{Property, is_same};
use crate::setting;

/// A limit with what holds where nothing sets it.
const LIMITS: [(&str, Covers, &str); 2] = [
    ("connect-timeout", Covers::Connect, "Druid connectTimeout"),
    ("socket-timeout", Covers::BetweenBytes, "Druid socketTimeout"),
];
const HOLDS: &str = "10 s from 1.2.12 to 1.2.21, else the driver's own";
/// The driver's own before 1.2.12 and again since the release that took the default back.
const VERSION: &str =
    "DruidAbstractDataSource.java, since 1.2.12; gone in 1.2.22 (alibaba/druid pull request 5735)";

/// The limits of a data source's block that no setting of it writes, if its pool is Druid.
pub(super) fn limits(
    block: &Block,
    prefix: &str,
    properties: &[Property<'_>],
    near: Span,
    beside: &[Setting],
) -> Vec<Setting> {
    if block.at != "spring.datasource" || !properties.iter().any(names_druid) {
        return Vec::new();
    }
    let prefix = match prefix.split('.').any(|name| is_same(name, "druid")) {
        true => prefix.to_owned(),
        false => format!("{prefix}.druid"),
    };
    let is_written =
        |knob| beside.iter().any(|setting| setting.knob == knob && !setting.value.origin.is_default());
    LIMITS
        .into_iter()
        .map(|(key, covers, of)| (key, Knob::Timeout(covers), of))
        .filter(|&(_, knob, _)| !is_written(knob))
        .map(|(key, knob, of)| {
            let origin = Origin::Default { near, of, version: VERSION };
            setting::stated(format!("{prefix}.{key}"), knob, Value::Text(HOLDS.to_owned()), origin)
        })
        .collect()
}

/// Whether a property is one of Druid's, or says that the pool is Druid.
fn names_druid(property: &Property<'_>) -> bool {
    if !property.is_below(&["spring", "datasource"]) {
        return false;
    }
    let below = property.behind(2);
    below[..below.len() - 1].iter().any(|name| is_same(name, "druid"))
        || below.last().is_some_and(|key| is_same(key, "type"))
            && property.text().is_some_and(|class| class.starts_with("com.alibaba.druid."))
}
