//! What we read of Kubernetes: the fields that decide routing, under their own names. Fields of an Ingress that we do
//! not know are kept in `rest`, so that they can be reported instead of vanishing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::notes::About;

/// Unknown fields, by name.
pub(crate) type Rest = BTreeMap<String, Value>;

/// Namespace and name.
pub(crate) type Key = (String, String);

/// The objects of one translation.
#[derive(Default)]
pub(crate) struct Objects {
    pub(crate) ingresses: BTreeMap<Key, Ingress>,
    pub(crate) services: BTreeMap<Key, Service>,
    pub(crate) slices: BTreeMap<Key, EndpointSlice>,
    pub(crate) secrets: BTreeMap<Key, Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) namespace: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, Value>,
    pub(crate) creation_timestamp: Option<String>,
}

/// `networking.k8s.io/v1` Ingress.
#[derive(Deserialize)]
pub(crate) struct Ingress {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) spec: IngressSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IngressSpec {
    pub(crate) ingress_class_name: Option<String>,
    pub(crate) default_backend: Option<Backend>,
    #[serde(default)]
    pub(crate) tls: Vec<IngressTls>,
    #[serde(default)]
    pub(crate) rules: Vec<IngressRule>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IngressTls {
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    pub(crate) secret_name: Option<String>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize)]
pub(crate) struct IngressRule {
    #[serde(default)]
    pub(crate) host: String,
    pub(crate) http: Option<HttpRule>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize)]
pub(crate) struct HttpRule {
    #[serde(default)]
    pub(crate) paths: Vec<HttpPath>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpPath {
    #[serde(default)]
    pub(crate) path: String,
    pub(crate) path_type: Option<String>,
    pub(crate) backend: Option<Backend>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize)]
pub(crate) struct Backend {
    pub(crate) service: Option<ServiceBackend>,
    pub(crate) resource: Option<Value>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize)]
pub(crate) struct ServiceBackend {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) port: BackendPort,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

#[derive(Deserialize, Default)]
pub(crate) struct BackendPort {
    pub(crate) name: Option<String>,
    pub(crate) number: Option<u16>,
    #[serde(flatten)]
    pub(crate) rest: Rest,
}

/// `v1` Service.
#[derive(Deserialize)]
pub(crate) struct Service {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) spec: ServiceSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceSpec {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(rename = "clusterIP")]
    pub(crate) cluster_ip: Option<String>,
    pub(crate) external_name: Option<String>,
    #[serde(default)]
    pub(crate) ports: Vec<ServicePort>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServicePort {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) protocol: Option<String>,
    pub(crate) target_port: Option<Value>,
    pub(crate) app_protocol: Option<String>,
}

/// `discovery.k8s.io/v1` EndpointSlice.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointSlice {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) address_type: String,
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
    #[serde(default)]
    pub(crate) ports: Vec<EndpointPort>,
}

#[derive(Deserialize)]
pub(crate) struct Endpoint {
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    #[serde(default)]
    pub(crate) conditions: Conditions,
}

#[derive(Deserialize, Default)]
pub(crate) struct Conditions {
    pub(crate) ready: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct EndpointPort {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: Option<String>,
}

/// `v1` Secret. No `Debug`, so that no message can print one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Secret {
    pub(crate) metadata: Metadata,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) data: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) string_data: BTreeMap<String, String>,
}

impl Metadata {
    /// Namespace and name.
    pub(crate) fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    /// How notes call the object.
    pub(crate) fn about(&self, kind: &str) -> About {
        About::Object {
            kind: kind.to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}
