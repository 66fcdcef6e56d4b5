//! Checks of what is reachable from where.

use crate::Check;

mod admin_endpoints_private;
mod allow_lists_deny_rest;
mod database_tls_verified;
mod headers_inherited;
mod host_header_not_spoofable;
mod http_redirected;
mod identity_headers_stripped;
mod internal_resolver;
mod no_alias_traversal;
mod no_directory_listing;
mod no_h2c_smuggling;
mod no_header_splitting;
mod no_proxy_ssrf;
mod no_published_datastores;
mod no_unsafe_if;
mod origins_anchored;
mod proxy_configs_agree;
mod proxy_env_provided;
mod proxy_tls_verified;
mod requests_bounded;
mod security_headers;
mod strong_tls;
mod trusted_proxies_narrow;
mod upstream_health_with_spare;
mod upstreams_exist;
mod version_hidden;

pub(super) static CHECKS: &[&Check] = &[
    &admin_endpoints_private::CHECK,
    &allow_lists_deny_rest::CHECK,
    &database_tls_verified::CHECK,
    &headers_inherited::CHECK,
    &host_header_not_spoofable::CHECK,
    &http_redirected::CHECK,
    &identity_headers_stripped::CHECK,
    &internal_resolver::CHECK,
    &no_alias_traversal::CHECK,
    &no_directory_listing::CHECK,
    &no_h2c_smuggling::CHECK,
    &no_header_splitting::CHECK,
    &no_proxy_ssrf::CHECK,
    &no_published_datastores::CHECK,
    &no_unsafe_if::CHECK,
    &origins_anchored::CHECK,
    &proxy_configs_agree::CHECK,
    &proxy_env_provided::CHECK,
    &proxy_tls_verified::CHECK,
    &requests_bounded::CHECK,
    &security_headers::CHECK,
    &strong_tls::CHECK,
    &trusted_proxies_narrow::CHECK,
    &upstream_health_with_spare::CHECK,
    &upstreams_exist::CHECK,
    &version_hidden::CHECK,
];
