//! Chains of time budgets, from configuration to text and picture.

use std::time::Duration;

use audit::chain::{Chain, chains};
use audit::{Outcome, Request, audit_texts, render};

const SHOP: &[(&str, &str)] = &[
    (
        "forewarn.toml",
        r#"
[[service]]
name = "web"
files = ["web.toml"]

[[service]]
name = "orders"
files = ["orders.toml"]

[[service]]
name = "stock"
files = ["stock.toml"]

[[service]]
name = "mail"

[[setting]]
files = ["web.toml"]
key = "orders_timeout"
covers = "whole-call"
to = "orders"

[[setting]]
files = ["orders.toml"]
key = "stock.timeout"
covers = "attempt"
to = "stock"

[[setting]]
files = ["orders.toml"]
key = "stock.retries"
controls = "retries"
to = "stock"

[[setting]]
files = ["orders.toml"]
key = "stock.backoff"
controls = "backoff-base"
to = "stock"

[[setting]]
files = ["orders.toml"]
key = "mail.timeout"
covers = "whole-call"
to = "mail"
zero = "never"

[[setting]]
files = ["stock.toml"]
key = "request_timeout"
covers = "handler"

[[call]]
from = "stock"
to = "orders"

[[observed]]
from = "web"
to = "orders"
calls = 5000
window = "a day"
quantiles = { p50 = "120ms", p99 = "900ms" }
"#,
    ),
    ("web.toml", "orders_timeout = \"2s\"\n"),
    (
        "orders.toml",
        "[stock]\ntimeout = \"600ms\"\nretries = 2\nbackoff = \"100ms\"\n[mail]\ntimeout = \"0s\"\n",
    ),
    ("stock.toml", "request_timeout = \"400ms\"\n"),
];

fn audited(files: &[(&str, &str)]) -> Outcome {
    audit_texts(files, &Request::default()).expect("nothing stops it")
}

fn found(outcome: &Outcome, service: Option<&str>) -> Vec<Chain> {
    let environments = &outcome.fleet.environments;
    environments.iter().flat_map(|environment| chains(&outcome.fleet, environment, service)).collect()
}

#[test]
fn a_chain_shows_each_wait_what_it_leaves_and_where_it_is_written() {
    let outcome = audited(SHOP);
    insta::assert_snapshot!(render::budget(&outcome, &found(&outcome, None)), @r"
        web, environment default
          CALL                                     WAITS AT MOST                             LEFT  MEASURED                WHERE
          web
          └─ orders                                2 s                                             p50 120 ms, p99 900 ms  web.toml:1:18
             ├─ mail                               no limit                                                                orders.toml:6:11
             └─ stock [ends its own work: 400 ms]  (2 + 1) x 600 ms + 200 ms back-off = 2 s  0 s                           orders.toml:2:11
                └─ orders (its calls stand above)  not known
        ");
}

#[test]
fn a_service_shows_the_chains_that_lead_to_it_alone() {
    let outcome = audited(SHOP);
    insta::assert_snapshot!(render::budget(&outcome, &found(&outcome, Some("mail"))), @r"
        web, environment default
          CALL                                     WAITS AT MOST                             LEFT  MEASURED                WHERE
          web
          └─ orders                                2 s                                             p50 120 ms, p99 900 ms  web.toml:1:18
             ├─ mail                               no limit                                                                orders.toml:6:11
             └─ stock [ends its own work: 400 ms]  (2 + 1) x 600 ms + 200 ms back-off = 2 s  0 s                           orders.toml:2:11
                └─ orders (its calls stand above)  not known
        ");
    assert_eq!(found(&outcome, Some("nobody")), []);
}

#[test]
fn a_callee_has_one_attempt_for_a_request_as_check_says_and_not_all_of_them() {
    let configuration = r#"
[[service]]
name = "web"
files = ["web.toml"]

[[service]]
name = "orders"
files = ["orders.toml"]

[[service]]
name = "stock"

[[setting]]
files = ["web.toml"]
key = "connect"
covers = "connect"
to = "orders"

[[setting]]
files = ["web.toml"]
key = "read"
covers = "first-byte"
to = "orders"

[[setting]]
files = ["web.toml"]
key = "retries"
controls = "retries"
to = "orders"

[[setting]]
files = ["orders.toml"]
key = "timeout"
covers = "whole-call"
to = "stock"
"#;
    let files = [
        ("forewarn.toml", configuration),
        ("web.toml", "connect = \"500ms\"\nread = \"1s\"\nretries = 2\n"),
        ("orders.toml", "timeout = \"1800ms\"\n"),
    ];
    let outcome = audited(&files);
    insta::assert_snapshot!(render::budget(&outcome, &found(&outcome, None)), @r"
    web, environment default
      CALL         WAITS AT MOST                             LEFT            MEASURED  WHERE
      web
      └─ orders    (2 + 1) x (500 ms connect + 1 s) = 4.5 s                            web.toml:2:8
         └─ stock  1.8 s                                     over by 800 ms            orders.toml:1:11
    ");
    let sums: Vec<&str> = outcome
        .findings
        .iter()
        .filter(|found| found.finding.rule == "timeout-below-nested-sum")
        .flat_map(|found| found.finding.arithmetic.iter().map(String::as_str))
        .collect();
    assert!(sums.contains(&"1 s < 1.8 s + 100 ms margin"), "{sums:?}");
}

#[test]
fn words_of_a_sum_stand_where_they_can_be_read() {
    let configuration = "[[setting]]\nfiles = [\"web.toml\"]\nkey = \"request\"\ncovers = \"handler\"\n[[service]]\nname = \"web\"\nfiles = [\"web.toml\"]\n[[service]]\nname = \"orders\"\n[[call]]\nfrom = \"web\"\nto = \"orders\"\n";
    let outcome = audited(&[("forewarn.toml", configuration), ("web.toml", "request = \"6s\"\n")]);
    let svg = render::waterfall(&outcome, &found(&outcome, None)[0]);
    let words =
        svg.lines().find(|line| line.contains("its own limit: 6 s")).expect("the edge's limit is told");
    assert!(!words.contains("fill=\"#ffffff\""), "white on white: {words}");
}

#[test]
fn a_picture_is_well_formed_and_holds_every_hop() {
    let outcome = audited(SHOP);
    let chains = found(&outcome, None);
    let [chain] = chains.as_slice() else { panic!("one edge, found {}", chains.len()) };
    let svg = render::waterfall(&outcome, chain);
    for hop in &chain.hops {
        assert!(svg.contains(&format!(">{}", hop.service)), "{} is missing", hop.service);
    }
    assert_eq!(elements_open_at_the_end(&svg), Vec::<String>::new());
    insta::assert_snapshot!(svg);
}

#[test]
fn a_service_that_nothing_calls_shows_its_own_chain_and_not_those_of_others_with_its_dependencies() {
    let call = |from: &str, to: &str| format!("[[call]]\nfrom = \"{from}\"\nto = \"{to}\"\n");
    let services = ["web", "batch", "auth", "db"].map(|name| format!("[[service]]\nname = \"{name}\"\n"));
    let declared = services.concat() + &call("web", "auth") + &call("auth", "db") + &call("batch", "db");
    let outcome = audited(&[("forewarn.toml", &declared), ("a.toml", "timeout = \"1s\"\n")]);
    let edges = |service: &str| -> Vec<String> {
        found(&outcome, Some(service)).into_iter().map(|chain| chain.hops[0].service.clone()).collect()
    };
    assert_eq!(edges("web"), ["web"]);
    assert_eq!(edges("auth"), ["web"]);
    assert_eq!(edges("db"), ["batch", "web"]);
}

/// Services of these names, each calling the next.
fn row_of(names: &[String]) -> Outcome {
    let services: String = names.iter().map(|name| format!("[[service]]\nname = \"{name}\"\n")).collect();
    let calls = names.windows(2).map(|two| format!("[[call]]\nfrom = \"{}\"\nto = \"{}\"\n", two[0], two[1]));
    let declared = services + &calls.collect::<String>();
    audited(&[("forewarn.toml", &declared), ("a.toml", "timeout = \"1s\"\n")])
}

#[test]
fn wide_letters_take_two_columns() {
    let names = ["入口", "auth", "目录服务"].map(str::to_owned);
    let outcome = row_of(&names);
    insta::assert_snapshot!(render::budget(&outcome, &found(&outcome, None)), @r"
    入口, environment default
      CALL            WAITS AT MOST  LEFT  MEASURED  WHERE
      入口
      └─ auth         not known
         └─ 目录服务  not known
    ");
}

#[test]
fn everything_in_a_deep_picture_stays_inside_it() {
    let names: Vec<String> =
        (0..60).map(|n| format!("a-service-with-a-name-longer-than-its-place-{n:02}")).collect();
    let outcome = row_of(&names);
    let svg = render::waterfall(&outcome, &found(&outcome, None)[0]);
    let numbers = |name: &str| -> Vec<f64> {
        svg.split(&format!(" {name}=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next()?.parse().ok())
            .collect()
    };
    let height = numbers("height")[0];
    assert!(
        numbers("x").iter().chain(&numbers("x1")).chain(&numbers("x2")).all(|x| (0.0..=1120.0).contains(x))
    );
    assert!(
        numbers("y").iter().chain(&numbers("y1")).chain(&numbers("y2")).all(|y| (0.0..height).contains(y))
    );
    assert!(svg.contains("and 1 call more"), "{svg}");
    let longest = svg.lines().filter(|line| line.contains("font-weight")).skip(1).map(str::len).max();
    assert!(longest.is_some_and(|longest| longest < 140), "names are cut to their place: {longest:?}");
}

#[test]
fn names_with_markup_stand_in_a_picture_as_text() {
    let outcome = audited(&[
        (
            "forewarn.toml",
            "[[call]]\nfrom = \"a<b>&\\\"\"\nto = \"c\"\n[[service]]\nname = \"a<b>&\\\"\"\n[[service]]\nname = \"c\"\n",
        ),
        ("a.toml", "timeout = \"1s\"\n"),
    ]);
    let chains = found(&outcome, None);
    let svg = render::waterfall(&outcome, &chains[0]);
    assert!(svg.contains("a&lt;b&gt;&amp;"), "{svg}");
    assert_eq!(elements_open_at_the_end(&svg), Vec::<String>::new());
}

/// Elements that are not closed, in their order; panics where one is closed that is not the last open.
fn elements_open_at_the_end(xml: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
        } else if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    open
}

#[test]
fn lengths_that_no_clock_can_count_are_drawn() {
    let configuration = r#"
[[service]]
name = "web"
files = ["web.toml"]

[[service]]
name = "orders"

[[service]]
name = "stock"
files = ["stock.toml"]

[[setting]]
files = ["web.toml"]
key = "orders.timeout"
covers = "attempt"
to = "orders"

[[setting]]
files = ["web.toml"]
key = "orders.retries"
controls = "retries"
to = "orders"

[[setting]]
files = ["web.toml"]
key = "stock.timeout"
covers = "whole-call"
to = "stock"

[[setting]]
files = ["stock.toml"]
key = "request_timeout"
covers = "handler"
"#;
    let files = [
        ("forewarn.toml", configuration),
        (
            "web.toml",
            "[orders]\ntimeout = \"200000d\"\nretries = 18446744073709551614\n\n[stock]\ntimeout = \"200000d\"\n",
        ),
        ("stock.toml", "request_timeout = \"200000d\"\n"),
    ];
    let outcome = audited(&files);
    let chains = found(&outcome, None);
    let last = chains[0].hops.last().expect("a hop");
    assert_eq!((last.service.as_str(), last.start), ("stock", Duration::MAX));
    assert_eq!(elements_open_at_the_end(&render::waterfall(&outcome, &chains[0])), Vec::<String>::new());
}

#[test]
fn what_a_callee_does_is_shown_within_the_route_that_waits_longest_for_it() {
    let edge = "http { server {\n  location /socket { proxy_pass http://shop:80; proxy_read_timeout 90s; }\n  location / { proxy_pass http://shop:80; proxy_read_timeout 600s; }\n} }\n";
    let compose = "services:\n  edge: {image: 'nginx:1', volumes: ['./edge.conf:/etc/nginx/nginx.conf']}\n  shop: {image: 'shop:1', environment: {STOCK_URL: 'http://stock:80', STOCK_TIMEOUT: 300s}}\n  stock: {image: 'stock:1'}\n";
    let outcome = audited(&[("edge.conf", edge), ("compose.yaml", compose)]);
    insta::assert_snapshot!(render::budget(&outcome, &found(&outcome, None)), @r"
    edge, environment default
      CALL                             WAITS AT MOST                   LEFT   MEASURED  WHERE
      edge
      ├─ shop                          60 s connect + 10 min = 11 min                   edge.conf:3:62
      │  └─ stock                      5 min                           5 min            compose.yaml:3:86
      └─ shop (its calls stand above)  60 s connect + 90 s = 2.5 min                    edge.conf:2:68
      assuming that `STOCK_TIMEOUT` covers the whole call
    ");
}
