//! Secrets planted in every syntax and dialect, on and beside lines that findings point at: none may
//! come out of any format, table, summary or error message.

use audit::chain::chains;
use audit::render::{self, Detail, Style};
use audit::{Request, audit_texts};
use model::Level;

/// What every planted secret contains and nothing else does.
const SECRET: &str = "Kq7vMark";

/// Everything that can be shown of an audit of these files, and how many findings it has.
fn shown(files: &[(&str, &str)]) -> (Vec<String>, usize) {
    match audit_texts(files, &Request::default()) {
        Ok(outcome) => {
            let mut shown = vec![
                render::text(&outcome, Style::default()),
                render::text(&outcome, Style { colour: true, width: 60 }),
                render::short(&outcome),
                render::json(&outcome),
                render::sarif(&outcome),
                render::github(&outcome),
                render::junit(&outcome, Level::Warning),
                render::junit(&outcome, Level::Error),
                render::summary(&outcome, Detail::Brief),
                render::summary(&outcome, Detail::Full),
            ];
            let tables = [render::files, render::services, render::calls, render::settings];
            for table in tables.map(|table| table(&outcome)) {
                shown.extend([table.text(), table.json()]);
            }
            for environment in &outcome.fleet.environments {
                let chains = chains(&outcome.fleet, environment, None);
                shown.push(render::budget(&outcome, &chains));
                shown.push(render::budget_table(&outcome, &chains).json());
                shown.extend(chains.iter().map(|chain| render::waterfall(&outcome, chain)));
            }
            (shown, outcome.findings.len())
        }
        Err(error) => (vec![render::error(&error, Style::default()), error.to_string()], 0),
    }
}

/// Lines that show a secret, each with the file it comes from; and how many findings there are.
fn leaks(files: &[(&str, &str)]) -> (Vec<String>, usize) {
    let (shown, findings) = shown(files);
    let lines = shown.iter().flat_map(|text| text.lines());
    let mut leaks: Vec<String> = lines.filter(|line| line.contains(SECRET)).map(str::to_owned).collect();
    leaks.dedup();
    leaks.truncate(2);
    if !leaks.is_empty() {
        leaks.insert(0, format!("\n{files:?}"));
    }
    (leaks, findings)
}

fn assert_hidden<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) {
    let leaks: Vec<String> = texts.into_iter().flat_map(|file| leaks(&[file]).0).collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// Files in which a finding points at the line of a secret or at one near it.
const FIRING: &[(&str, &str)] = &[
    // User info, the address itself labelled.
    ("auth/app.yaml", "directory:\n  url: http://auth:Kq7vMark1@directory:8080\n  timeout: 0\n"),
    ("auth/app.yaml", "directory: {url: \"http://auth:Kq7vMark1@directory:8080\", timeout: 0}\n"),
    ("auth/app.yaml", "directory:\n  url: http://auth:p@Kq7vMark1@directory:8080\n  timeout: 0\n"),
    ("auth/app.json", "{\"directory\": {\"url\": \"http://auth:Kq7vMark1@directory:8080\", \"timeout\": 0}}"),
    ("auth/app.toml", "[directory]\nurl = \"http://auth:Kq7vMark1@directory:8080\"\ntimeout = 0\n"),
    ("auth/app.properties", "directory.url=http://auth:Kq7vMark1@directory:8080\ndirectory.timeout=0\n"),
    ("auth/app.ini", "[directory]\nurl = http://auth:Kq7vMark1@directory:8080\ntimeout = 0\n"),
    ("auth/.env", "DIRECTORY_URL=http://auth:Kq7vMark1@directory:8080\nDIRECTORY_TIMEOUT=0\n"),
    // Keys that name a secret, on the line of the limit.
    ("auth/app.yaml", "directory: {url: \"http://directory:8080\", password: Kq7vMark1, timeout: 0}\n"),
    ("auth/app.yaml", "directory: {timeout: 0, url: \"http://directory:8080\", api_key: 'Kq7vMark1'}\n"),
    (
        "auth/app.json",
        "{\"directory\": {\"clientSecret\": \"Kq7vMark1\", \"url\": \"http://directory:8080\", \"timeout\": 0}}",
    ),
    (
        "auth/app.toml",
        "directory = { token = \"Kq7vMark1\", url = \"http://directory:8080\", timeout = 0 }\n",
    ),
    // In comments on and above the line.
    (
        "auth/app.yaml",
        "directory:\n  # password: Kq7vMark1\n  url: http://directory:8080 # token=Kq7vMark2\n  timeout: 0 # secret: Kq7vMark3\n",
    ),
    // Parameters of addresses.
    (
        "auth/app.yaml",
        "users:\n  url: jdbc:postgresql://db:5432/users?user=auth&password=Kq7vMark1&connectTimeout=0\n  timeout: 0\n",
    ),
    (
        "auth/app.yaml",
        "directory:\n  url: http://directory:8080/lookup?access_token=Kq7vMark1&x=1\n  timeout: 0\n",
    ),
    (
        "auth/app.yaml",
        "directory:\n  url: http://directory:8080/lookup?sig=Kq7vMark1&apikey=Kq7vMark2\n  timeout: 0\n",
    ),
    (
        "auth/app.yaml",
        "users:\n  url: jdbc:postgresql://db:5432/users?sslpassword=Kq7vMark1&sslkeypass=Kq7vMark2&dbpass=Kq7vMark3&auth=Kq7vMark4&connectTimeout=0\n  timeout: 0\n",
    ),
    // Commands.
    (
        "k8s/auth.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: auth}\nspec:\n  template:\n    spec:\n      containers:\n      - name: auth\n        image: auth\n        command: [\"ldapsearch\"]\n        args: [\"-w\",\"Kq7vMark1\"]\n        lifecycle: {preStop: {exec: {command: [sh, -c, \"PGPASSWORD=Kq7vMark2 psql; MYSQL_PWD=Kq7vMark3 mysql -pKq7vMark4; redis-cli -a Kq7vMark5; vault login Kq7vMark6; sleep 90\"]}}}\n        livenessProbe: {exec: {command: [\"mysqladmin\",\"-pKq7vMark7\",\"ping\"]}, periodSeconds: 1, timeoutSeconds: 9}\n",
    ),
    // Headers.
    (
        "auth/app.yaml",
        "directory:\n  url: http://directory:8080\n  headers: {Authorization: Bearer Kq7vMark1Kq7vMark1, X-Api-Key: Kq7vMark2}\n  timeout: 0\n",
    ),
    (
        "edge/nginx.conf",
        "upstream directory { server directory:8080; }\nserver {\n  location / {\n    proxy_pass http://directory;\n    proxy_set_header Authorization \"Basic Kq7vMark1Kq7vMark1==\"; proxy_set_header X-Api-Key Kq7vMark2;\n    proxy_next_upstream error timeout non_idempotent;\n    proxy_connect_timeout 0;\n    proxy_read_timeout 1000000s;\n  }\n}\n",
    ),
    (
        "edge/nginx.conf",
        "server {\n  location / {\n    proxy_pass http://auth:Kq7vMark1@directory:8080;\n    proxy_next_upstream error timeout non_idempotent; proxy_read_timeout 1000000s;\n  }\n}\n",
    ),
    (
        "edge/nginx.conf",
        "server {\n  location / {\n    proxy_pass http://directory:8080;\n    proxy_read_timeout 1000000s;\n    proxy_next_upstream error timeout non_idempotent*\n    proxy_set_header X-Api-Key Kq7vMark1;\n  }\n}\n",
    ),
    // Kubernetes.
    (
        "k8s/auth.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: auth}\nspec:\n  template:\n    spec:\n      containers:\n      - name: auth\n        image: auth\n        args: [\"--db-password=Kq7vMark1\", \"--timeout=0\", \"--token\", \"Kq7vMark2\"]\n        env:\n        - {name: DB_PASSWORD, value: Kq7vMark3}\n        - {name: DIRECTORY_URL, value: \"http://a:Kq7vMark4@directory:8080\"}\n        - {name: DIRECTORY_TIMEOUT, value: \"0\"}\n        livenessProbe: {httpGet: {path: /, port: 80, httpHeaders: [{name: Authorization, value: Kq7vMark5}]}, periodSeconds: 1, timeoutSeconds: 9}\n",
    ),
    // Compose.
    (
        "compose.yaml",
        "services:\n  auth:\n    image: auth\n    command: serve --token Kq7vMark0 --api-key=Kq7vMark1\n    environment:\n      - DB_PASSWORD=Kq7vMark1\n      - DIRECTORY_URL=http://a:Kq7vMark2@directory:8080\n      - DIRECTORY_TIMEOUT=0\n      - AWS_SECRET_ACCESS_KEY=Kq7vMark3\n    healthcheck: {test: \"curl -u me:Kq7vMark4 -H 'X-Auth-Token: Kq7vMark5' localhost\", interval: 1s, timeout: 9s}\n  directory:\n    image: directory\n    environment: {JWT_SECRET: Kq7vMark6, DIRECTORY_TOKEN: \"Kq7vMark7\", DIRECTORY_DB: \"x://u:Kq7vMark8@db\"}\n",
    ),
];

/// Files in which secrets stand alone or near a mistake of syntax; findings may or may not come.
const PLANTED: &[(&str, &str)] = &[
    ("auth/app.yaml", "directory:\n  url: http://auth:Kq7v/Kq7vMark1@directory:8080\n  timeout: 0\n"),
    // Data source names of drivers.
    ("auth/app.toml", "dsn = \"host=db user=a password=Kq7vMark1 connect_timeout=0\"\n"),
    ("auth/app.toml", "dsn = \"host=db password='Kq7v Kq7vMark1' connect_timeout=0\"\n"),
    ("auth/app.toml", "dsn = \"auth:Kq7vMark1@tcp(db:3306)/users?timeout=0s&readTimeout=0\"\n"),
    ("auth/app.toml", "dsn = \"auth:p@Kq7vMark1@tcp(db:3306)/users?timeout=0s\"\n"),
    ("auth/app.toml", "dsn = \"auth:p/Kq7vMark1@unix(/tmp/s)/users?timeout=0s\"\n"),
    ("auth/app.json", "{\"ConnectionStrings\": {\"Db\": \"Server=db;Uid=a;Pwd=Kq7vMark1;Timeout=0\"}}"),
    ("auth/app.json", "{\"ConnectionStrings\": {\"Db\": \"Host=db;Password=Kq7v Kq7vMark1;Timeout=0\"}}"),
    (
        "auth/app.json",
        "{\"ConnectionStrings\": {\"Cache\": \"cache:6379,password=Kq7vMark1,connectTimeout=0\"}}",
    ),
    (
        "auth/app.json",
        "{\"Storage\": \"AccountName=a;AccountKey=Kq7vMark1==;SharedAccessSignature=Kq7vMark2;Timeout=0\"}",
    ),
    ("auth/app.yaml", "amqp: {url: 'amqp://a:Kq7vMark1@mq/v?heartbeat=0&connection_timeout=0'}\n"),
    ("auth/app.yaml", "cache: {url: 'redis://:Kq7vMark1@cache:6379/0?timeout=0', timeout: 0}\n"),
    (
        "auth/app.yaml",
        "db: {uri: 'mongodb://a:Kq7vMark1@m1:27017,m2:27017/x?connectTimeoutMS=0', timeout: 0}\n",
    ),
    ("auth/app.yaml", "db: {uri: 'mongodb+srv://a:Kq7v%40Kq7vMark1@m1/x?socketTimeoutMS=0'}\n"),
    (
        "auth/app.properties",
        "spring.datasource.url=jdbc:oracle:thin:a/Kq7vMark1@db:1521/x\nspring.datasource.timeout=0\n",
    ),
    (
        "auth/app.properties",
        "spring.datasource.url=jdbc:mysql://db/x?user=a&password=Kq7vMark1&socketTimeout=0\n",
    ),
    (
        "auth/app.properties",
        "spring.datasource.password=Kq7vMark1\nspring.datasource.hikari.connection-timeout=0\n",
    ),
    (
        "auth/app.properties",
        "sasl.jaas.config=x required username=\"a\" password=\"Kq7vMark1\";\nrequest.timeout.ms=0\n",
    ),
    (
        "etc/redis.conf",
        "requirepass Kq7vMark1\ntimeout 0\nmasterauth Kq7vMark2\nuser a on >Kq7vMark3 ~* +@all\n",
    ),
    (
        "etc/pgbouncer.ini",
        "[databases]\nx = host=db password=Kq7vMark1 connect_timeout=0\n[pgbouncer]\nquery_timeout = 0\n",
    ),
    (
        "etc/haproxy.cfg",
        "userlist u\n  user a insecure-password Kq7vMark1\n  user b password $6$Kq7vMark2\n\
         listen s\n  mode http\n  timeout server 0\n  stats auth a:Kq7vMark3\n  server s http:80\n\
         frontend f\n  http-request set-header X-Api-Key Kq7vMark4\n  default_backend s\n",
    ),
    ("etc/my.cnf", "[client]\npassword=Kq7vMark1\nconnect_timeout=0\n"),
    (
        "auth.service",
        "[Service]\nEnvironment=TOKEN=Kq7vMark1 TIMEOUT=0\nEnvironment=\"DB_PASSWORD=Kq7vMark2\"\nTimeoutStopSec=0\nExecStart=/bin/a --password Kq7vMark3\n",
    ),
    (
        "compose.yaml",
        "services:\n  auth:\n    image: auth\n    command: postgres -c ssl_passphrase_command=echo Kq7vMark1\n    healthcheck: {test: [\"CMD\",\"redis-cli\",\"-a\",\"Kq7vMark2\",\"ping\"], interval: 1s, timeout: 9s}\n",
    ),
    // Whole forms, wherever they stand.
    (
        "auth/app.yaml",
        "key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  Kq7vMark1\n  -----END RSA PRIVATE KEY-----\ntimeout: 0\nurl: http://x\n",
    ),
    (
        "auth/app.yaml",
        "jwt: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0Kq7vMark1.Kq7vMark2\ntimeout: 0\nurl: http://x\n",
    ),
    ("auth/app.yaml", "id: AKIAKq7vMark1AAAAAAA\ntimeout: 0\nurl: http://x\n"),
    ("auth/app.yaml", "gh: ghp_Kq7vMark1Kq7vMark1Kq7v\ntimeout: 0\nurl: http://x\n"),
    ("auth/app.yaml", "hook: https://hooks.slack.com/services/T0/B0/Kq7vMark1\ntimeout: 0\nurl: http://x\n"),
    (
        "k8s/auth.yaml",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: auth}\ndata:\n  app.yaml: |\n    key: |\n      -----BEGIN PRIVATE KEY-----\n      Kq7vMark1\n      -----END PRIVATE KEY-----\n    password: Kq7vMark2\n    directory:\n      url: http://a:Kq7vMark3@directory:8080\n      timeout: 0\n",
    ),
    // Kubernetes Secrets.
    (
        "k8s/s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  timeout: \"0\"\n  url: http://x\n  anything: Kq7vMark1\n  app.yaml: |\n    other: Kq7vMark2\n    timeout: 0\n    url: http://Kq7vMark3x\n",
    ),
    (
        "k8s/s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {timeout: \"0\", url: \"http://x\", anything: Kq7vMark1}\n",
    ),
    (
        "k8s/s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  timeout: S3E3dk1hcmsx\n  anything: Kq7vMark1\n",
    ),
    (
        "k8s/s.json",
        "{\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"stringData\": {\"timeout\": \"0\", \"anything\": \"Kq7vMark1\"}}",
    ),
    (
        "k8s/s.yaml",
        "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Secret\n  stringData:\n    anything: Kq7vMark1\n    timeout: \"0\"\n",
    ),
    (
        "k/kustomization.yaml",
        "secretGenerator:\n- name: a\n  literals: [\"api_key=Kq7vMark1\", \"timeout=0\"]\nconfigMapGenerator:\n- name: b\n  literals:\n  - DB_PASSWORD=Kq7vMark2\n  - timeout=0\n",
    ),
    // Secrets in keys, names and paths of keys.
    (
        "auth/app.yaml",
        "\"token=Kq7vMark1\": {timeout: 3, url: 'http://directory:8080'}\n\"password: Kq7vMark2\": {timeout: 4}\n",
    ),
    ("auth/app.json", "{\"token=Kq7vMark1\": {\"timeout\": 3}, \"password: Kq7vMark2\": {\"retries\": 4}}"),
    ("auth/app.toml", "[\"token=Kq7vMark1\"]\ntimeout = 3\n[\"http://a:Kq7vMark2@x\"]\ntimeout = 0\n"),
    ("auth/app.ini", "[token=Kq7vMark1]\ntimeout = 3\n"),
    ("auth/app.properties", "token\\=Kq7vMark1.timeout = 3\n"),
    (
        "compose.yaml",
        "services:\n  \"token=Kq7vMark1\": {image: auth, environment: {DIRECTORY_URL: 'http://directory:80', DIRECTORY_TIMEOUT: 3}}\n  directory: {image: directory}\n",
    ),
    (
        "forewarn.toml",
        "[environments.\"token=Kq7vMark1\"]\nfiles = [\"a/**\"]\n[[service]]\nname = \"password: Kq7vMark2\"\nfiles = [\"b/**\"]\n",
    ),
    // Values that are an amount to us and a secret to their owner.
    (
        "auth/app.yaml",
        "password: 30s\ndirectory: {url: 'http://x', password_timeout: 0, timeout: 0, pin: 1}\nsecret: Kq7vMark1\n",
    ),
    // A limit whose value is no length of time.
    (
        "auth/app.yaml",
        "directory: {url: 'http://directory', timeout: 'http://a:Kq7vMark1@x', retries: 'token=Kq7vMark2'}\n",
    ),
    ("auth/.env", "TIMEOUT=postgres://a:Kq7vMark1@db\nREQUEST_TIMEOUT=\"Bearer Kq7vMark2Kq7vMark2\"\n"),
];

/// Mistakes of syntax, whose messages must not repeat what they are about.
const BROKEN: &[(&str, &str)] = &[
    ("auth/app.yaml", "password: \"Kq7vMark1\ntimeout: 0\n"),
    ("auth/app.yaml", "a: {password: Kq7vMark1, timeout: 0\n"),
    ("auth/app.yaml", "password: *Kq7vMark1\n"),
    ("auth/app.yaml", "password: Kq7vMark1: Kq7vMark2\n"),
    ("auth/app.yaml", "password: !Kq7vMark1 x\n\t- Kq7vMark2\n"),
    ("auth/app.yaml", "password: %Kq7vMark1\n"),
    ("auth/app.json", "{\"password\": Kq7vMark1, \"timeout\": 0}"),
    ("auth/app.json", "{\"password\": \"Kq7vMark1, \"timeout\": 0}"),
    ("auth/app.json", "{\"password\": \"Kq7vMark1\" \"Kq7vMark2\""),
    ("auth/app.toml", "password = Kq7vMark1\ntimeout = 0\n"),
    ("auth/app.toml", "password = \"Kq7vMark1\ntimeout = 0\n"),
    ("auth/app.toml", "password = \"a\\Kq7vMark1\"\n"),
    ("auth/app.toml", "password = \"a\" Kq7vMark1\npassword = \"Kq7vMark2\"\n"),
    ("auth/app.ini", "[a]\npassword Kq7vMark1\n= Kq7vMark2\n[password=Kq7vMark3\n"),
    ("auth/app.properties", "password=\\uKq7vMark1\n=Kq7vMark2\n"),
    ("auth/.env", "PASSWORD=\"Kq7vMark1\nTIMEOUT=0\nexport PASSWORD='Kq7vMark2\n"),
    ("edge/nginx.conf", "server { proxy_set_header Authorization Kq7vMark1 }\nset $token Kq7vMark2\n"),
    (
        "compose.yaml",
        "services:\n  auth:\n    image: ${IMAGE:?missing}\n    environment: {TOKEN: \"${TOKEN:-Kq7vMark1}\", PASSWORD: \"$${Kq7vMark2\", X_TIMEOUT: \"${Y:-token=Kq7vMark3}\"}\n",
    ),
    // Forewarn's own files.
    ("forewarn.toml", "[margins]\nchian = \"1s\" # password: Kq7vMark1\n"),
    ("forewarn.toml", "password = \"Kq7vMark1\"\n"),
    ("forewarn.toml", "password = \"Kq7vMark1\n"),
    (
        "forewarn.toml",
        "[[service]]\nname = \"a\"\nfiles = [\"a/**\"]\ntoken = \"Kq7vMark1\"\naddresses = [\"http://a:Kq7vMark2@b\"]\n",
    ),
    ("forewarn.toml", "[[setting]]\nfiles = [\"a/**\"]\nkey = \"x\"\ncovers = \"http://a:Kq7vMark1@b\"\n"),
    ("forewarn.toml", "[margins]\nchain = \"password=Kq7vMark1\"\n"),
    ("forewarn.toml", "[[observed]]\nfrom = \"a\"\nto = \"b\"\nfile = \"http://a:Kq7vMark1@b\"\n"),
];

#[test]
fn no_secret_leaves_with_a_finding_on_or_beside_its_line() {
    assert_hidden(FIRING.iter().copied());
    let quiet: Vec<_> = FIRING.iter().filter(|file| leaks(&[**file]).1 == 0).collect();
    assert!(quiet.is_empty(), "no finding points into {quiet:#?}");
}

#[test]
fn no_secret_leaves_with_a_problem_a_table_or_an_error() {
    assert_hidden(PLANTED.iter().chain(BROKEN).copied());
}

#[test]
fn every_line_is_fit_to_be_drawn_whether_or_not_a_finding_points_at_it() {
    let shown: Vec<_> = FIRING
        .iter()
        .chain(PLANTED)
        .map(|(path, text)| (path, audit::redact(text)))
        .filter(|(_, hidden)| hidden.contains(SECRET))
        .collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[test]
fn no_secret_leaves_where_a_file_is_cut_anywhere_behind_it() {
    for (path, text) in FIRING {
        let first = text.find(SECRET).expect("planted") + SECRET.len();
        assert_hidden(
            (first..text.len())
                .step_by(3)
                .filter(|&end| text.is_char_boundary(end))
                .map(|end| (*path, &text[..end])),
        );
    }
}

#[test]
fn no_secret_leaves_with_windows_line_ends_or_a_byte_order_mark() {
    let all = || FIRING.iter().chain(PLANTED).chain(BROKEN);
    let windows: Vec<_> = all().map(|(path, text)| (*path, text.replace('\n', "\r\n"))).collect();
    assert_hidden(windows.iter().map(|(path, text)| (*path, text.as_str())));
    let marked: Vec<_> = all().map(|(path, text)| (*path, format!("\u{feff}{text}"))).collect();
    assert_hidden(marked.iter().map(|(path, text)| (*path, text.as_str())));
}

#[test]
fn no_secret_leaves_across_files() {
    let caller = "directory:\n  url: http://a:Kq7vMark1@directory:8080\n  request_timeout: 300ms\n  password: Kq7vMark2\n";
    let callee = "services:\n  auth: {image: auth, environment: [TOKEN=Kq7vMark3], volumes: ['./auth:/etc/auth']}\n  directory: {image: directory, environment: {TOKEN: Kq7vMark4, DB_URL: \"postgres://a:Kq7vMark5@db\", DB_TIMEOUT: 0}}\n";
    let (leaks, findings) = leaks(&[("auth/app.yaml", caller), ("compose.yaml", callee)]);
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    assert!(findings > 0);
}
