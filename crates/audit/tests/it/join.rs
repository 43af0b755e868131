//! From files to the fleet: environments, borders, owners, calls, and declarations that meet nothing.

use audit::{Outcome, Request, audit_texts};

fn audited(files: &[(&str, &str)]) -> Outcome {
    audit_texts(files, &Request::default()).expect("nothing stops it")
}

/// Environments with their services and calls, and what joining could not decide.
fn picture(files: &[(&str, &str)]) -> String {
    let outcome = audited(files);
    let mut lines = Vec::new();
    for environment in &outcome.fleet.environments {
        let services: Vec<&str> = environment.services.iter().map(|service| service.name.as_str()).collect();
        lines.push(format!("{}: {}", environment.name, services.join(", ")));
        for call in environment.calls(&outcome.fleet) {
            let settings: Vec<String> = call
                .settings()
                .filter(|setting| !setting.value.origin.is_default())
                .map(|setting| format!("{} = {}", setting.key, setting.value.value))
                .collect();
            lines.push(format!("  {} -> {}: {}", call.from().name(), call.to().name(), settings.join(", ")));
        }
    }
    for missing in &outcome.not_evaluated {
        if !missing.rule.contains('-') {
            lines.push(format!("{} needs {}", missing.rule, missing.needs));
        }
    }
    lines.join("\n")
}

const COMPOSE: &str = "services:\n  auth:\n    image: auth:1\n    environment:\n      DIRECTORY_URL: http://directory:8081\n      DIRECTORY_TIMEOUT: 2s\n  directory:\n    image: directory:1\n";

#[test]
fn an_address_in_the_environment_is_a_call() {
    insta::assert_snapshot!(picture(&[("compose.yaml", COMPOSE)]), @r"
        default: auth, directory
          auth -> directory: environment.DIRECTORY_TIMEOUT = 2 s
        ");
}

#[test]
fn a_store_named_in_a_secret_is_called_by_whoever_mounts_that() {
    let secrets = "apiVersion: v1\nkind: Secret\nmetadata: {name: store}\nstringData:\n  DATABASE_URL: postgres://auth:example@db:5432/auth?connect_timeout=3\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: encoded}\ndata: {LEDGER_HOST: bGVkZ2Vy, LEDGER_TIMEOUT: NXM}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: store}\ndata: {DIRECTORY_URL: 'http://directory:80'}\n";
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: auth}\nspec:\n  template:\n    spec:\n      containers:\n        - name: auth\n          envFrom: [{secretRef: {name: store}}, {secretRef: {name: encoded}}]\n";
    insta::assert_snapshot!(picture(&[("secrets.yaml", secrets), ("auth.yaml", deployment)]), @r"
    default: auth, db
      auth -> db: stringData.DATABASE_URL?connect_timeout = 3 s
    values needs a value in the form that its consumer takes; what is written is no amount to it
    ");
}

#[test]
fn a_file_of_one_environment_overrides_what_all_share() {
    insta::assert_snapshot!(picture(&[
        ("compose.yaml", COMPOSE),
        ("compose.staging.yaml", "services:\n  auth:\n    environment:\n      DIRECTORY_TIMEOUT: 5s\n"),
        ("compose.prod.yaml", "services:\n  auth:\n    environment:\n      DIRECTORY_TIMEOUT: 1s\n"),
    ]), @r"
        production: auth, directory
          auth -> directory: environment.DIRECTORY_TIMEOUT = 1 s
        staging: auth, directory
          auth -> directory: environment.DIRECTORY_TIMEOUT = 5 s
        ");
}

#[test]
fn two_examples_with_the_same_service_are_not_joined() {
    insta::assert_snapshot!(picture(&[
        ("one/compose.yaml", COMPOSE),
        ("two/compose.yaml", "services:\n  auth:\n    image: auth:2\n    environment:\n      STORE_URL: http://directory:9000\n      STORE_TIMEOUT: 1s\n"),
    ]), @r"
        default: one/auth, one/directory, two/auth, two/directory
          one/auth -> one/directory: environment.DIRECTORY_TIMEOUT = 2 s
          two/auth -> two/directory: environment.STORE_TIMEOUT = 1 s
        ");
}

#[test]
fn an_address_book_that_several_services_share_makes_no_calls() {
    insta::assert_snapshot!(picture(&[
        ("compose.yaml", "services:\n  a:\n    image: a:1\n    volumes: [./peers.json:/etc/peers.json]\n  b:\n    image: b:1\n    volumes: [./peers.json:/etc/peers.json]\n"),
        ("peers.json", "{\"a\": {\"addr\": \"http://a:80\", \"timeout\": \"1s\"}, \"b\": {\"addr\": \"http://b:80\", \"timeout\": \"1s\"}}"),
    ]), @r"
        default: a, b
        calls needs which of the 2 services that share `peers.json` call which of its addresses; declare each with [[call]]
        ");
}

/// A Compose file with so many services named `s0`, `s1`, ...
fn fleet(services: usize) -> String {
    let all: String = (0..services).map(|n| format!("  s{n}: {{image: 's:1'}}\n")).collect();
    format!("services:\n{all}")
}

/// Addresses of so many of them.
fn addresses(services: usize) -> String {
    (0..services).map(|n| format!("s{n}:\n  url: http://s{n}:80\n  timeout: 1s\n")).collect()
}

/// The calls of the services of a fleet, by caller, for addresses in a file.
fn callers(services: usize, place: &str, addressed: usize) -> String {
    let outcome = audited(&[("compose.yaml", &fleet(services)), (place, &addresses(addressed))]);
    let calls = outcome.fleet.environments[0].calls(&outcome.fleet);
    let mut callers: Vec<&str> = calls.map(|call| call.from().name()).collect();
    callers.dedup();
    let asked: Vec<&str> =
        outcome.not_evaluated.iter().filter(|missing| missing.rule == "calls").map(|m| &*m.needs).collect();
    format!("{} {}", callers.join(", "), asked.join(", ")).trim().to_owned()
}

#[test]
fn a_file_that_lists_most_services_and_is_nobody_s_makes_no_calls() {
    assert_eq!(callers(9, "config/edge.yaml", 4), "edge");
    assert_eq!(callers(3, "config/edge.yaml", 3), "edge");
    insta::assert_snapshot!(callers(8, "config/edge.yaml", 4), @"which service reads `config/edge.yaml`, and which of its addresses that calls; declare it with [[service]], or each call with [[call]]");
    assert_eq!(callers(8, "s7/config.yaml", 8), "s7", "it is one of the services' own");
}

#[test]
fn a_file_whose_name_says_nothing_calls_one_service_or_is_nobody_s() {
    assert_eq!(callers(9, "config/services.yaml", 1), "config/services.yaml");
    insta::assert_snapshot!(callers(9, "config/services.yaml", 2), @"which service reads `config/services.yaml`, and which of its addresses that calls; declare it with [[service]], or each call with [[call]]");
}

#[test]
fn variables_that_compose_passes_on_are_nobody_s_configuration_by_themselves() {
    let variables = "DIRECTORY_URL=http://directory:8081\nDIRECTORY_TIMEOUT=3s\n";
    let compose = COMPOSE.replace("http://directory:8081", "${DIRECTORY_URL}");
    insta::assert_snapshot!(picture(&[("compose.yaml", &compose), (".env", variables)]), @r"
        default: auth, directory
          auth -> directory: environment.DIRECTORY_TIMEOUT = 2 s
        ");
    // Compose takes nothing from it: something else reads it.
    let compose = "services:\n  directory:\n    image: directory:1\n";
    insta::assert_snapshot!(picture(&[("compose.yaml", compose), (".env", variables)]), @r"
        default: .env, directory
          .env -> directory: DIRECTORY_TIMEOUT = 3 s
        ");
    let compose = "services:\n  web: {image: 'web:1', env_file: .env, command: 'serve $DIRECTORY_TIMEOUT'}\n  directory: {image: 'directory:1'}\n";
    insta::assert_snapshot!(picture(&[("compose.yaml", compose), (".env", variables)]), @r"
        default: directory, web
          web -> directory: DIRECTORY_TIMEOUT = 3 s
        ");
}

#[test]
fn paths_of_a_compose_file_that_lead_nowhere_start_in_a_directory_above() {
    let compose = |name: &str, file: &str| {
        format!("services:\n  {name}:\n    image: {name}:1\n    volumes: ['{file}:/etc/app.yaml']\n")
    };
    let settings = "directory:\n  url: http://directory:80\n  timeout: 1s\n";
    let directory = "services:\n  directory: {image: 'directory:1'}\n";
    let one = compose("auth", "./suites/one/config.yaml");
    insta::assert_snapshot!(picture(&[
        ("suites/one/compose.yaml", &one),
        ("suites/one/config.yaml", settings),
        ("compose.yaml", directory),
    ]), @r"
        default: auth, directory
          auth -> directory: directory.timeout = 1 s
        ");
    // Where the path leads somewhere from beside the file, that is what it means.
    insta::assert_snapshot!(picture(&[
        ("suites/one/compose.yaml", &one),
        ("suites/one/suites/one/config.yaml", settings),
        ("suites/one/config.yaml", "directory:\n  url: http://directory:80\n  timeout: 2s\n"),
        ("compose.yaml", directory),
    ]), @r"
        default: auth, directory, one
          auth -> directory: directory.timeout = 1 s
          one -> directory: directory.timeout = 2 s
        ");
}

#[test]
fn what_another_platform_mounts_is_no_service_of_this_one() {
    let compose = "services:\n  auth: {image: 'auth:1', volumes: ['./shop.yaml:/etc/shop.yaml']}\n  directory: {image: 'directory:1'}\n";
    let manifest = |name: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      containers: [{{name: {name}, image: 'x:1'}}]\n"
        )
    };
    insta::assert_snapshot!(picture(&[
        ("compose.yaml", compose),
        ("k8s/auth.yaml", &manifest("auth")),
        ("k8s/directory.yaml", &manifest("directory")),
        ("shop.yaml", "directory:\n  url: http://directory:80\n  timeout: 1s\n"),
    ]), @r"
        compose: auth, directory
          auth -> directory: directory.timeout = 1 s
        default: auth, directory
        ");
}

#[test]
fn a_service_known_by_its_own_file_keeps_its_server_settings() {
    let outcome = audited(&[(
        "orders/orders.toml",
        "[server]\nhandler_timeout = \"5s\"\n\n[db]\nurl = \"postgres://orders@db:5432/orders\"\npool_timeout = \"2s\"\n",
    )]);
    let environment = &outcome.fleet.environments[0];
    let orders = environment.services(&outcome.fleet).find(|service| service.name() == "orders");
    let orders = orders.expect("the file tells of a service");
    assert!(orders.limit(model::Covers::Handler).is_some());
}

#[test]
fn declarations_and_resources_that_meet_nothing_are_named() {
    insta::assert_snapshot!(picture(&[
        ("auth/auth.toml", "[directory]\nurl = \"http://directory:8081\"\nrequest_timeout = \"1s\"\n"),
        ("k8s/overlays/prod/kustomization.yaml", "resources:\n  - ../../base\n"),
        ("forewarn.toml", "[environments]\nproduction = [\"live/**\"]\n\n[[service]]\nname = \"billing\"\nfiles = [\"billing/**\"]\n\n[[setting]]\nfiles = [\"auth/auth.toml\"]\nkey = \"directory.requesttimeout\"\ncovers = \"whole-call\"\nunit = \"ms\"\n\n[[override]]\npaths = [\"legacy/**\"]\n\n[override.margins]\nchain = \"1s\"\n"),
    ]), @r"
        production: auth, billing, directory
          auth -> directory: directory.request_timeout = 1 s
        forewarn.toml needs a file that `legacy/**` matches, for an override
        forewarn.toml needs a file that `billing/**` matches, for the service billing
        forewarn.toml needs a key `directory.requesttimeout` with a value in `auth/auth.toml`
        forewarn.toml needs a file that `live/**` matches, for the environment production
        kustomization needs `../../base` of `k8s/overlays/prod/kustomization.yaml`, which is not among the files; name a directory that holds both
        ");
}

#[test]
fn a_declaration_that_one_environment_meets_is_not_missed_and_a_mistyped_environment_is() {
    insta::assert_snapshot!(picture(&[
        ("compose.yaml", COMPOSE),
        ("compose.staging.yaml", "services:\n  mail:\n    image: mail:1\n"),
        ("compose.prod.yaml", "services:\n  audit:\n    image: audit:1\n"),
        ("forewarn.toml", "[[call]]\nfrom = \"auth\"\nto = \"audit\"\n\n[[call]]\nfrom = \"auth\"\nto = \"nobody\"\n\n[[observed]]\nfrom = \"auth\"\nto = \"directory\"\nenvironment = \"prodction\"\nwindow = \"noon\"\ncalls = 100\nquantiles = { p50 = \"1ms\", p99 = \"2ms\" }\n"),
    ]), @r"
        production: audit, auth, directory
          auth -> audit: 
          auth -> directory: environment.DIRECTORY_TIMEOUT = 2 s
        staging: auth, directory, mail
          auth -> directory: environment.DIRECTORY_TIMEOUT = 2 s
        forewarn.toml needs an environment `prodction` to put [[observed]] on; there are: production, staging
        forewarn.toml needs services of these names; `forewarn show services` lists those there are
        ");
}

#[test]
fn a_leading_zero_is_octal_in_yaml_and_not_elsewhere() {
    let seconds = |path: &str, text: &str| {
        let outcome = audited(&[(path, text)]);
        let found = outcome.fleet.settings.iter().find(|setting| setting.written.is_some());
        found.expect("one setting").value.value.to_string()
    };
    assert_eq!(seconds("client.yaml", "client:\n  request_timeout_seconds: 010\n"), "8 s");
    assert_eq!(seconds("client.yaml", "client:\n  request_timeout_seconds: \"010\"\n"), "10 s");
    assert_eq!(seconds("client.properties", "client.request_timeout_seconds=010\n"), "10 s");
}

#[test]
fn a_declared_platform_calls_within_the_limits_of_its_maker() {
    let outcome = audited(&[
        (
            "forewarn.toml",
            "[[service]]\nname = \"router\"\nplatform = \"heroku\"\n[[service]]\nname = \"web\"\nfiles = [\"web.toml\"]\n\
             [[call]]\nfrom = \"router\"\nto = \"web\"\n\
             [[setting]]\nfiles = [\"web.toml\"]\nkey = \"request_timeout\"\ncovers = \"handler\"\n",
        ),
        ("web.toml", "request_timeout = \"60s\"\n"),
    ]);
    let found: Vec<String> = outcome
        .findings
        .iter()
        .flat_map(audit::Reported::all)
        .map(|finding| format!("{} {:?}: {}", finding.rule, finding.level, finding.title))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @"timeout-shorter-than-callee Error: router gives up on web after 30 s, web works for up to 60 s");
}

/// A caller with an address, a callee with its Service, and what else stands in the manifests.
fn shop(more: &str) -> String {
    let workload = |name: &str, env: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n        - name: {name}\n          env: [{env}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{selector: {{app: {name}}}}}\n---\n"
        )
    };
    let address = "{name: REVIEWS_URL, value: 'http://reviews'}, {name: REVIEWS_TIMEOUT, value: 3s}";
    format!("{}{}{more}", workload("web", address), workload("reviews", ""))
}

const ROUTE: &str = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: any, namespace: shop}\nspec:\n  hosts: [reviews]\n  http:\n    - timeout: 10s\n      route: [{destination: {host: reviews}}]\n---\n";
const POLICY: &str = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: any, namespace: shop}\nspec:\n  host: reviews.shop.svc.cluster.local\n  trafficPolicy: {connectionPool: {tcp: {connectTimeout: 1s}}}\n---\n";

#[test]
fn a_route_of_a_mesh_stands_in_the_way_with_the_settings_of_its_host() {
    insta::assert_snapshot!(picture(&[("shop.yaml", &shop(&format!("{ROUTE}{POLICY}")))]), @r"
        default: reviews, route reviews, web
          route reviews -> reviews: http[0].timeout = 10 s, trafficPolicy.connectionPool.tcp.connectTimeout = 1 s
          web -> route reviews: containers[web].env.REVIEWS_TIMEOUT = 3 s
        ");
    insta::assert_snapshot!(picture(&[("shop.yaml", &shop(POLICY))]), @r"
        default: reviews, route reviews, web
          route reviews -> reviews: trafficPolicy.connectionPool.tcp.connectTimeout = 1 s
          web -> route reviews: containers[web].env.REVIEWS_TIMEOUT = 3 s
        ");
}

#[test]
fn what_has_no_proxy_beside_it_and_what_two_routes_claim_is_called_directly() {
    let without = shop(ROUTE).replacen(
        "{labels: {app: web}}",
        "{labels: {app: web, sidecar.istio.io/inject: 'false'}}",
        1,
    );
    insta::assert_snapshot!(picture(&[("shop.yaml", &without)]), @r"
        default: reviews, route reviews, web
          route reviews -> reviews: http[0].timeout = 10 s
          web -> reviews: containers[web].env.REVIEWS_TIMEOUT = 3 s
        ");
    let another = ROUTE.replace("name: any", "name: another");
    insta::assert_snapshot!(picture(&[("shop.yaml", &shop(&format!("{ROUTE}{another}")))]), @r"
        default: reviews, route reviews (shop.yaml), route reviews (shop.yaml) #2, web
          route reviews (shop.yaml) -> reviews: http[0].timeout = 10 s
          route reviews (shop.yaml) #2 -> reviews: http[0].timeout = 10 s
          web -> reviews: containers[web].env.REVIEWS_TIMEOUT = 3 s
        ");
}

#[test]
fn a_call_that_passes_a_route_assumes_the_proxy_unless_the_namespace_says_so() {
    let assumptions = |text: &str| {
        let outcome = audited(&[("shop.yaml", text)]);
        let calls = &outcome.fleet.environments[0].calls;
        calls.iter().flat_map(|call| call.assumptions.clone()).collect::<Vec<_>>().join("; ")
    };
    let namespace =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n---\n";
    assert_eq!(assumptions(&shop(ROUTE)), "that calls to `reviews` pass the mesh's proxy");
    assert_eq!(assumptions(&shop(&format!("{ROUTE}{namespace}"))), "");
}

#[test]
fn an_ingress_and_the_service_it_leads_to_may_have_one_name() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: reviews\n  namespace: shop\n  annotations: {nginx.ingress.kubernetes.io/proxy-read-timeout: '7'}\nspec:\n  rules: [{host: reviews.example.com, http: {paths: [{backend: {service: {name: reviews, port: {number: 80}}}}]}}]\n";
    insta::assert_snapshot!(picture(&[("shop.yaml", &shop(ingress))]), @r"
        default: ingress reviews, reviews, web
          ingress reviews -> reviews: nginx.ingress.kubernetes.io/proxy-read-timeout = 7 s
          web -> reviews: containers[web].env.REVIEWS_TIMEOUT = 3 s
        ");
}

#[test]
fn an_autoscaler_says_how_many_run_at_most() {
    let scale = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: shop}\nspec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 12}\n";
    let text = shop(scale).replacen("spec:\n  template", "spec:\n  replicas: 3\n  template", 1);
    let outcome = audited(&[("shop.yaml", &text)]);
    let environment = &outcome.fleet.environments[0];
    let counts: Vec<_> = environment
        .services(&outcome.fleet)
        .filter_map(|service| Some((service.name(), service.knob(model::Knob::Instances)?.count()?)))
        .collect();
    assert_eq!(counts, [("web", 12)]);
}

/// A configuration server's directory, with the file that all services share.
const STORE: [(&str, &str); 3] = [
    (
        "config/application.yml",
        "hystrix.command.default.execution.isolation.thread.timeoutInMilliseconds: 4000\n\
         security.oauth2.resource.user-info-uri: http://auth:8080/me\n",
    ),
    (
        "config/gateway.yml",
        "ribbon: {ReadTimeout: 3000, ConnectTimeout: 500}\n\
         zuul.routes: {ledger: {serviceId: LEDGER}, login: {url: 'http://auth:8080'}}\n",
    ),
    (
        "config/gateway-prod.yml",
        "hystrix.command.default.execution.isolation.thread.timeout-in-milliseconds: 8000\n\
         ledger.ribbon.ReadTimeout: 1000\n",
    ),
];

#[test]
fn what_all_services_share_gives_way_to_a_service_and_that_to_its_profile() {
    let mut files = STORE.to_vec();
    files.push(("ledger/src/main/resources/bootstrap.yml", "spring.application.name: ledger\n"));
    files.push(("auth/compose.yaml", "services: {auth: {image: auth}}\n"));
    insta::assert_snapshot!(picture(&files), @r"
    production: auth, gateway, ledger
      gateway -> auth: 
      gateway -> auth: 
      gateway -> ledger: hystrix.command.default.execution.isolation.thread.timeoutInMilliseconds = 8 s, ledger.ribbon.ReadTimeout = 1 s, ribbon.ConnectTimeout = 500 ms
    ");
}

#[test]
fn layers_of_one_service_are_merged_key_by_key_and_the_origin_keeps_what_it_overrides() {
    let outcome = audited(&[
        (
            "auth/src/main/resources/application.yml",
            "spring:\n  application.name: auth\n  datasource:\n    url: jdbc:mysql://db/a?socketTimeout=1000\n    \
             hikari: {connectionTimeout: 2000, maximum-pool-size: 5}\n---\n\
             spring.config.activate.on-profile: mysql\nspring.datasource.hikari.maximum-pool-size: 9\n",
        ),
        (
            "auth/src/main/resources/application-prod.properties",
            "spring.datasource.url=jdbc:mysql://main/a\nspring.datasource.hikari.connection-timeout=500\n",
        ),
        ("auth/src/test/resources/application.yml", "spring.datasource.hikari.connection-timeout: 1\n"),
    ]);
    let production = outcome.fleet.environments.iter().find(|environment| environment.name == "production");
    let calls: Vec<String> = production
        .expect("an environment")
        .calls(&outcome.fleet)
        .flat_map(|call| {
            let to = call.to().name();
            call.settings()
                .filter(|setting| !setting.value.origin.is_default())
                .map(|setting| {
                    let parts = match &setting.value.origin {
                        model::Origin::Derived(parts) => parts.len(),
                        _ => 1,
                    };
                    format!("{to}: {} = {} ({parts})", setting.key, setting.value.value)
                })
                .collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!(calls.join("\n"), @r"
        main: spring.datasource.hikari.connectionTimeout = 500 ms (2)
        main: spring.datasource.hikari.maximum-pool-size = 5 (1)
        ");
}

#[test]
fn a_pool_guessed_in_one_layer_gives_way_to_the_one_that_another_configures() {
    let shared = |pool: &str| format!("spring.datasource.{pool}: 40\n");
    let pools = |pool: &str| {
        let outcome = audited(&[
            ("config/application.yml", &shared(pool)),
            ("config/auth.yml", "spring.datasource.url: jdbc:mysql://db/a\n"),
        ]);
        let environment = &outcome.fleet.environments[0];
        let calls = environment.calls(&outcome.fleet);
        let keys: Vec<String> = calls
            .flat_map(|call| call.settings().map(|setting| setting.key.clone()).collect::<Vec<_>>())
            .filter(|key| !key.contains('?'))
            .collect();
        keys.join(" ")
    };
    insta::assert_snapshot!(pools("druid.max-active"), @"spring.datasource.druid.max-active spring.datasource.druid.connect-timeout spring.datasource.druid.socket-timeout");
    insta::assert_snapshot!(pools("hikari.maximum-pool-size"), @"spring.datasource.hikari.maximum-pool-size spring.datasource.hikari.connection-timeout spring.datasource.hikari.minimum-idle spring.datasource.hikari.max-lifetime spring.datasource.hikari.validation-timeout");
}

#[test]
fn a_profile_that_is_no_environment_is_merged_into_nothing() {
    insta::assert_snapshot!(picture(&[(
        "edge/src/main/resources/application.yml",
        "spring.application.name: edge\nzuul.routes.auth.path: /a\nribbon.ReadTimeout: 1000\n---\n\
         spring.profiles: docker\nzuul.routes.auth.path: /a\nribbon.ReadTimeout: 7000\n",
    )]), @r"
        default: auth, edge
          edge -> auth: ribbon.ReadTimeout = 1 s
          edge -> auth: ribbon.ReadTimeout = 7 s
        ");
}

#[test]
fn a_list_and_an_address_with_its_parameters_are_replaced_as_a_whole() {
    insta::assert_snapshot!(picture(&[
        (
            "edge/src/main/resources/application.properties",
            "spring.application.name=edge\nspring.cloud.gateway.routes[0].uri=lb://auth\n\
             spring.cloud.gateway.routes[1].uri=lb://ledger\nspring.cloud.gateway.httpclient.response-timeout=2s\n",
        ),
        (
            "edge/src/main/resources/application-prod.yml",
            "spring.cloud.gateway.routes: [{uri: 'lb://users'}]\n",
        ),
    ]), @r"
        production: edge, users
          edge -> users: spring.cloud.gateway.httpclient.response-timeout = 2 s
        ");
}

#[test]
fn what_stands_at_the_edge_of_a_cluster_is_not_in_front_of_another_platform() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: edge}\nspec:\n  rules: [{host: a.example.com, http: {paths: [{backend: {service: {name: auth, port: {number: 80}}}}]}}]\n";
    let auth = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: auth}\nspec:\n  template:\n    spec:\n      containers: [{name: auth, image: 'auth:1'}]\n";
    insta::assert_snapshot!(
        picture(&[("compose.yaml", COMPOSE), ("k8s/auth.yaml", auth), ("k8s/ingress.yaml", ingress)]),
        @r"
    compose: auth, directory
      auth -> directory: environment.DIRECTORY_TIMEOUT = 2 s
    default: auth, ingress edge
      ingress edge -> auth: 
    "
    );
}

#[test]
fn what_is_declared_of_a_call_holds_on_its_way_through_a_route_of_the_mesh() {
    let outcome = audited(&[
        (
            "forewarn.toml",
            "[[observed]]\nfrom = \"web\"\nto = \"auth\"\ncalls = 9000\nwindow = \"a day\"\n\
             quantiles = { p50 = \"80ms\", p99 = \"900ms\" }\n",
        ),
        (
            "mesh.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: auth}\nspec: {selector: {app: auth}}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: auth}\nspec:\n  template:\n    \
             metadata: {labels: {app: auth}}\n    spec: {containers: [{name: auth}]}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    \
             spec:\n      containers:\n      - name: web\n        \
             env: [{name: AUTH_URL, value: 'http://auth'}]\n---\n\
             apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: auth}\nspec:\n  \
             hosts: [auth]\n  http:\n  - route: [{destination: {host: auth}}]\n    timeout: 300ms\n",
        ),
    ]);
    let calls: Vec<String> = outcome.fleet.environments[0]
        .calls(&outcome.fleet)
        .map(|call| {
            let seen = if call.call().latency.is_some() { "measured" } else { "not measured" };
            format!("{} -> {}: {seen}", call.from().name(), call.to().name())
        })
        .collect();
    insta::assert_snapshot!(calls.join("\n"), @r"
    route auth -> auth: measured
    web -> route auth: measured
    ");
    assert!(!outcome.not_evaluated.iter().any(|missing| missing.rule == "forewarn.toml"));
}

#[test]
fn a_variable_of_the_environment_goes_before_every_file_of_a_layered_configuration() {
    let compose = "services:\n  auth:\n    build: ./auth\n    environment:\n      \
         SPRING_DATASOURCE_HIKARI_CONNECTION_TIMEOUT: 700\n      SPRING_REDIS_TIMEOUT: 2s\n      \
         SERVER_TOMCAT_THREADS_MAX: 40\n      AUTH_TIMEOUT: 1s\n";
    let layers = "spring:\n  application.name: auth\n  datasource:\n    url: jdbc:postgresql://users/a\n    \
         hikari.connectionTimeout: 5000\n  redis.host: cache\n";
    let outcome = audited(&[("compose.yaml", compose), ("auth/src/main/resources/application.yml", layers)]);
    let environment = &outcome.fleet.environments[0];
    let places = |setting: &model::Setting| match &setting.value.origin {
        model::Origin::Derived(parts) => parts.len(),
        _ => 1,
    };
    let is_written = |setting: &&model::Setting| !setting.value.origin.is_default();
    let mut held: Vec<String> = Vec::new();
    for call in environment.calls(&outcome.fleet) {
        let written = call.settings().filter(is_written);
        held.extend(written.map(|setting| {
            format!(
                "-> {}: {} = {} ({})",
                call.to().name(),
                setting.key,
                setting.value.value,
                places(setting)
            )
        }));
    }
    for service in environment.services(&outcome.fleet) {
        let written = service.groups().flat_map(|group| group.settings()).filter(is_written);
        held.extend(
            written.map(|setting| format!("{}: {} = {}", service.name(), setting.key, setting.value.value)),
        );
    }
    insta::assert_snapshot!(held.join("\n"), @r"
    -> cache: environment.SPRING_REDIS_TIMEOUT = 2 s (1)
    -> users: environment.SPRING_DATASOURCE_HIKARI_CONNECTION_TIMEOUT = 700 ms (2)
    auth: environment.SERVER_TOMCAT_THREADS_MAX = 40
    auth: environment.AUTH_TIMEOUT = 1 s
    ");
}

const PROXY: &str = "http {\n  upstream shop { server shop:8080; }\n  server { location / { proxy_pass http://shop; proxy_read_timeout 3s; } }\n}\n";

/// A Compose file with a proxy that takes its file from a directory, and what it forwards to.
fn proxied(image: &str) -> String {
    format!(
        "services:\n  edge: {{image: 'nginx:{image}', volumes: ['./edge/nginx.conf:/etc/nginx/nginx.conf:ro']}}\n  shop: {{image: 'shop:{image}'}}\n"
    )
}

#[test]
fn a_mounted_file_takes_its_names_from_the_compose_file_that_mounts_it() {
    let (one, two) = (proxied("1"), proxied("2"));
    // Two alternatives, neither called as the ordinary one; each has its own proxy and shop.
    insta::assert_snapshot!(picture(&[("stack-one.yml", &one), ("stack-two.yml", &two), ("edge/nginx.conf", PROXY)]), @r"
    default: stack-one.yml/edge, stack-one.yml/shop, stack-two.yml/edge, stack-two.yml/shop
      stack-one.yml/edge -> stack-one.yml/shop: server[_].location[/].proxy_read_timeout = 3 s
      stack-two.yml/edge -> stack-two.yml/shop: server[_].location[/].proxy_read_timeout = 3 s
    ");
    // An ordinary one beside an alternative.
    insta::assert_snapshot!(picture(&[("compose.yaml", &one), ("docker-compose-large.yml", &two), ("edge/nginx.conf", PROXY)]), @r"
    default: docker-compose-large.yml/edge, docker-compose-large.yml/shop, edge, shop
      docker-compose-large.yml/edge -> docker-compose-large.yml/shop: server[_].location[/].proxy_read_timeout = 3 s
      edge -> shop: server[_].location[/].proxy_read_timeout = 3 s
    ");
}

#[test]
fn compose_files_of_any_name_that_describe_different_services_are_one_deployment() {
    let store = "services:\n  users: {image: 'postgres:17'}\n";
    let app = "services:\n  auth:\n    image: auth:1\n    environment: {DATABASE_URL: 'postgres://users:5432/auth?connect_timeout=3'}\n";
    insta::assert_snapshot!(picture(&[("stacks/store.yml", store), ("stacks/app.yml", app)]), @r"
    default: auth, users
      auth -> users: environment.DATABASE_URL?connect_timeout = 3 s
    ");
    insta::assert_snapshot!(picture(&[("deploy/multi.yml", &proxied("1")), ("deploy/edge/nginx.conf", PROXY)]), @r"
    default: edge, shop
      edge -> shop: server[_].location[/].proxy_read_timeout = 3 s
    ");
}

#[test]
fn a_name_that_one_service_around_bears_is_assumed_to_be_that() {
    // `tools.yml` describes an `auth` of its own: an alternative, which knows no `users`.
    let ordinary = "services:\n  auth: {image: 'auth:1'}\n  users: {image: 'postgres:17'}\n";
    let tools = "services:\n  auth:\n    image: auth:2\n    environment: {DATABASE_URL: 'postgres://users:5432/auth?connect_timeout=3'}\n";
    let outcome = audited(&[("compose.yaml", ordinary), ("tools.yml", tools)]);
    let environment = &outcome.fleet.environments[0];
    let guesses: Vec<String> = environment
        .calls(&outcome.fleet)
        .map(|call| format!("{} -> {}: {:?}", call.from().name(), call.to().name(), call.call().assumptions))
        .collect();
    insta::assert_snapshot!(guesses.join("\n"), @r#"tools.yml/auth -> users: ["that `users` is the one of `compose.yaml`"]"#);
    // Two examples beside each other do not know each other's names.
    let other = "services:\n  auth:\n    image: auth:2\n    environment: {DATABASE_URL: 'postgres://users:5432/auth?connect_timeout=3'}\n";
    insta::assert_snapshot!(picture(&[("a/compose.yaml", ordinary), ("b/compose.yaml", other)]), @r"
    default: a/auth, a/users, b/auth, b/users
      b/auth -> b/users: environment.DATABASE_URL?connect_timeout = 3 s
    ");
}

#[test]
fn a_service_that_selects_one_pod_of_a_set_leads_to_the_set() {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: users}\nspec:\n  template:\n    metadata: {labels: {app: users}}\n    spec: {containers: [{name: users, image: 'postgres:17'}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: users-primary}\nspec:\n  selector: {app: users, statefulset.kubernetes.io/pod-name: users-0}\n  ports: [{port: 5432}]\n";
    let auth = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: auth}\nspec:\n  template:\n    spec:\n      containers:\n        - name: auth\n          env: [{name: DATABASE_URL, value: 'postgres://users-primary:5432/auth?connect_timeout=3'}]\n";
    insta::assert_snapshot!(picture(&[("users.yaml", set), ("auth.yaml", auth)]), @r"
    default: auth, users
      auth -> users: containers[auth].env.DATABASE_URL?connect_timeout = 3 s
    ");
}

/// A route of a gateway to a shop, with what else it says.
fn route(more: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: shop}}\nspec:\n  hosts: ['*']\n  gateways: [public]\n  http:\n    - route: [{{destination: {{host: shop}}}}]\n{more}"
    )
}

#[test]
fn an_object_that_two_files_describe_is_the_later_one_as_a_whole() {
    let early = route("      timeout: 2s\n");
    let late = route("      retries: {attempts: 3, perTryTimeout: 1s}\n");
    let own = |name: &str| route("      timeout: 4s\n").replace("{name: shop}", &format!("{{name: {name}}}"));
    insta::assert_snapshot!(picture(&[("a.yaml", &early), ("b.yaml", &late), ("c.yaml", &own("other"))]), @r"
    default: gateway public, shop
      gateway public -> shop: virtualServices[shop].http[0].retries.attempts = 3, virtualServices[shop].http[0].retries.perTryTimeout = 1 s
      gateway public -> shop: virtualServices[other].http[0].timeout = 4 s
    ");
    // In the mesh it is one route too, and stands in the way.
    let mesh =
        |file: &str| file.replace("hosts: ['*']", "hosts: [shop]").replace("  gateways: [public]\n", "");
    let shop = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {selector: {app: shop}}\n";
    insta::assert_snapshot!(picture(&[("a.yaml", &mesh(&early)), ("b.yaml", &mesh(&late)), ("shop.yaml", shop)]), @r"
    default: route shop, shop
      route shop -> shop: http[0].retries.attempts = 3, http[0].retries.perTryTimeout = 1 s
    ");
}

#[test]
fn calls_of_a_file_that_several_services_share_are_assumed_of_each() {
    let own = "spring: {cloud: {config: {enabled: true}}}\nserver: {port: 8080}\n";
    let outcome = audited(&[
        ("store/application.yml", "spring:\n  data: {redis: {host: sessions, timeout: 2s}}\n"),
        ("store/auth.yml", own),
        ("store/shop.yml", own),
        ("auth/src/main/resources/bootstrap.yml", "spring: {application: {name: auth}}\n"),
        ("shop/src/main/resources/bootstrap.yml", "spring: {application: {name: shop}}\n"),
    ]);
    let guesses: Vec<String> = outcome.fleet.environments[0]
        .calls(&outcome.fleet)
        .map(|call| format!("{} -> {}: {:?}", call.from().name(), call.to().name(), call.call().assumptions))
        .collect();
    insta::assert_snapshot!(guesses.join("\n"), @r#"
    auth -> sessions: ["that auth calls what `store/application.yml` says for several services"]
    shop -> sessions: ["that shop calls what `store/application.yml` says for several services"]
    "#);
}

#[test]
fn what_others_wait_for_to_complete_is_a_job() {
    let compose = "services:\n  auth:\n    image: auth:1\n    depends_on: {migrate: {condition: service_completed_successfully}}\n  migrate: {image: 'auth:1'}\n  schema: {image: 'auth:1', command: python manage.py migrate --noinput}\n  both: {image: 'auth:1', command: sh -c 'auth migrate && auth serve'}\n";
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: cleanup}\nspec: {template: {spec: {containers: [{name: cleanup}]}}}\n";
    let outcome = audited(&[("compose.yaml", compose), ("job.yaml", job)]);
    let jobs: Vec<&str> = outcome.fleet.environments[0]
        .services
        .iter()
        .filter(|service| service.finishes)
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(jobs, ["cleanup", "migrate", "schema"]);
}
