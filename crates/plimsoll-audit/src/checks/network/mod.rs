//! Checks of what is reachable from where.

use crate::Check;

mod admin_endpoints_private;
mod allow_lists_deny_rest;
mod data_tier_internal;
mod database_tls_verified;
mod docker_api_uses_tls;
mod headers_inherited;
mod host_header_not_spoofable;
mod http_redirected;
mod identity_headers_stripped;
mod internal_resolver;
mod no_alias_traversal;
mod no_directory_listing;
mod no_h2c_smuggling;
mod no_header_splitting;
mod no_host_network;
mod no_legacy_links;
mod no_ports_on_all_interfaces;
mod no_privileged_host_ports;
mod no_proxy_ssrf;
mod no_published_datastores;
mod no_ssh_in_container;
mod no_unsafe_if;
mod origins_anchored;
mod ports_agree;
mod ports_quoted;
mod proxy_configs_agree;
mod proxy_env_provided;
mod proxy_tls_verified;
mod requests_bounded;
mod security_headers;
mod segmented;
mod strong_tls;
mod trusted_proxies_narrow;
mod unique_published_ports;
mod upstream_health_with_spare;
mod upstreams_exist;
mod version_hidden;

pub(super) static CHECKS: &[&Check] = &[
    &admin_endpoints_private::CHECK,
    &allow_lists_deny_rest::CHECK,
    &data_tier_internal::CHECK,
    &database_tls_verified::CHECK,
    &docker_api_uses_tls::CHECK,
    &headers_inherited::CHECK,
    &host_header_not_spoofable::CHECK,
    &http_redirected::CHECK,
    &identity_headers_stripped::CHECK,
    &internal_resolver::CHECK,
    &no_alias_traversal::CHECK,
    &no_directory_listing::CHECK,
    &no_h2c_smuggling::CHECK,
    &no_header_splitting::CHECK,
    &no_host_network::CHECK,
    &no_legacy_links::CHECK,
    &no_ports_on_all_interfaces::CHECK,
    &no_privileged_host_ports::CHECK,
    &no_proxy_ssrf::CHECK,
    &no_published_datastores::CHECK,
    &no_ssh_in_container::CHECK,
    &no_unsafe_if::CHECK,
    &origins_anchored::CHECK,
    &ports_agree::CHECK,
    &ports_quoted::CHECK,
    &proxy_configs_agree::CHECK,
    &proxy_env_provided::CHECK,
    &proxy_tls_verified::CHECK,
    &requests_bounded::CHECK,
    &security_headers::CHECK,
    &segmented::CHECK,
    &strong_tls::CHECK,
    &trusted_proxies_narrow::CHECK,
    &unique_published_ports::CHECK,
    &upstream_health_with_spare::CHECK,
    &upstreams_exist::CHECK,
    &version_hidden::CHECK,
];
