package settings

// The plugin's default of a setting: the same in every release, or there from
// 0.0.29 on.

func plugin(def string) map[Release]string { return map[Release]string{Release0015: def} }

func plugin0029(def string) map[Release]string { return map[Release]string{Release0029: def} }

// The service itself.
var (
	DataDir = text(Setting{Name: "data_dir", Env: "PROXBOX_DATA_DIR",
		Doc: "Where the database and the encryption key are kept. Without it, proxbox-api in $XDG_DATA_HOME or ~/.local/share; the container image has /data."},
		"a directory")
	Port = integer(Setting{Name: "port", Env: "PORT", Default: "8000",
		Doc: "The TCP port of the service."}, 1, 65535)
	BindHost = declare(Setting{Name: "bind_host", Env: "PROXBOX_BIND_HOST",
		Doc: "The address that the service listens on. Without it, all of them, IPv4 and IPv6."},
		"an address or host name", parseBindHost)
	LogLevel = logLevel(Setting{Name: "log_level", Env: "PROXBOX_LOG_LEVEL", Default: "info",
		Doc: "The least level that is logged."})
	RateLimit = integer(Setting{Name: "rate_limit", Env: "PROXBOX_RATE_LIMIT", Default: "300",
		Doc: "Requests a minute from one address that carry no valid API key; 0 for no limit. Requests with a valid key are not limited, nor is /health."}, 0, 1_000_000)
	TrustedProxies = networks(Setting{Name: "trusted_proxies", Env: "PROXBOX_TRUSTED_PROXIES",
		Doc: "Proxies whose X-Forwarded-For says who sent a request."})
	CORSExtraOrigins = origins(Setting{Name: "cors_extra_origins", Env: "PROXBOX_CORS_EXTRA_ORIGINS",
		Doc: "Origins whose pages may call the service from a browser, beside those of the stored NetBox endpoint."})
)

// Secrets and keys.
var (
	EncryptionKey = secretText(Setting{Name: "encryption_key", Env: "PROXBOX_ENCRYPTION_KEY",
		Doc: "The key that stored credentials are encrypted with: any text, long and random. The plugin's setting of that name is not used, for it would have to be fetched with the token that it protects."})
	EncryptionKeyFile = text(Setting{Name: "encryption_key_file", Env: "PROXBOX_ENCRYPTION_KEY_FILE",
		Doc: "A file with the encryption key, read when PROXBOX_ENCRYPTION_KEY is not set. Without either, the service makes encryption.key in the data directory."},
		"a file")
	EncryptionKeyPrevious = secretText(Setting{Name: "encryption_key_previous", Env: "PROXBOX_ENCRYPTION_KEY_PREVIOUS",
		Doc: "The encryption key before this one. Set it for one start to change the key: everything is encrypted anew."})
	RequireEncryptionKey = boolean(Setting{Name: "require_encryption_key", Env: "PROXBOX_REQUIRE_ENCRYPTION_KEY", Default: "false",
		Doc: "Refuse to start without a key from the operator, instead of making one."})
	APIKey = secretText(Setting{Name: "api_key", Env: "PROXBOX_API_KEY",
		Doc: "The first API key, at least 32 characters, so that nobody else can register it. Once there was a first key it changes nothing."})
	APIKeyFile = text(Setting{Name: "api_key_file", Env: "PROXBOX_API_KEY_FILE",
		Doc: "A file with the first API key, read when PROXBOX_API_KEY is not set."}, "a file")
)

// Authentication.
var (
	AuthLockoutThreshold = integer(Setting{Name: "auth_lockout_threshold", Env: "PROXBOX_AUTH_LOCKOUT_THRESHOLD", Default: "5",
		Doc: "Failures from one address with one wrong key, or without a key, after which it has to wait."}, 1, 1_000_000)
	AuthLockoutWindow = seconds(Setting{Name: "auth_lockout_window_seconds", Env: "PROXBOX_AUTH_LOCKOUT_WINDOW_SECONDS", Default: "300",
		Doc: "How long failures count, from the first one on."}, 1, 86_400)
	AuthLockoutSourceThreshold = integer(Setting{Name: "auth_lockout_source_threshold", Env: "PROXBOX_AUTH_LOCKOUT_SOURCE_THRESHOLD", Default: "50",
		Doc: "Failures from one address (a /64 for IPv6) with any key after which it has to wait. A valid key is let in all the same."}, 1, 1_000_000)
	AuthLockoutMaxBuckets = integer(Setting{Name: "auth_lockout_max_buckets", Env: "PROXBOX_AUTH_LOCKOUT_MAX_BUCKETS", Default: "10000",
		Doc: "Counters of failures that are kept; beyond it the oldest are forgotten."}, 100, 1_000_000)
	AuthLockoutMaxInFlight = integer(Setting{Name: "auth_lockout_max_in_flight", Env: "PROXBOX_AUTH_LOCKOUT_MAX_IN_FLIGHT", Default: "32",
		Doc: "Keys from one address that are checked at once; beyond it the answer is 503."}, 1, 10_000)
	AuthLockoutMaxGlobalInFlight = integer(Setting{Name: "auth_lockout_max_global_in_flight", Env: "PROXBOX_AUTH_LOCKOUT_MAX_GLOBAL_IN_FLIGHT", Default: "256",
		Doc: "Keys that are checked at once; beyond it the answer is 503."}, 1, 100_000)
	AuthLockoutVerificationMax = seconds(Setting{Name: "auth_lockout_verification_max_seconds", Env: "PROXBOX_AUTH_LOCKOUT_VERIFICATION_MAX_SECONDS", Default: "180",
		Doc: "How long a check waits for its turn."}, 1, 3600)
	AuthLockoutHMACKey = secretText(Setting{Name: "auth_lockout_hmac_key", Env: "PROXBOX_AUTH_LOCKOUT_HMAC_KEY",
		Doc: "The key of the digests that failures are counted under. Without it the service makes and keeps a random one."})
	AuthLockoutHMACKeyFile = text(Setting{Name: "auth_lockout_hmac_key_file", Env: "PROXBOX_AUTH_LOCKOUT_HMAC_KEY_FILE",
		Doc: "A file with that key, read when PROXBOX_AUTH_LOCKOUT_HMAC_KEY is not set."}, "a file")
	AuthMaxActiveKeys = integer(Setting{Name: "auth_max_active_keys", Env: "PROXBOX_AUTH_MAX_ACTIVE_KEYS", Default: "32",
		Doc: "API keys that may be active."}, 1, 1000)
)

// The endpoints of the commands sync, plan and endpoints add, each with a flag
// of the same meaning that goes first.
var (
	NetBoxURL = text(Setting{Name: "netbox_url", Env: "PROXBOX_NETBOX_URL",
		Doc: "For the commands sync, plan and endpoints add: the NetBox, in place of the stored one. The service does not read it."},
		"an address such as https://netbox.example.org")
	NetBoxToken = secretText(Setting{Name: "netbox_token", Env: "PROXBOX_NETBOX_TOKEN",
		Doc: "For the same commands: the NetBox API token, v1 or whole v2 (nbt_<key>.<token>)."})
	NetBoxTokenFile = text(Setting{Name: "netbox_token_file", Env: "PROXBOX_NETBOX_TOKEN_FILE",
		Doc: "A file with that token, read when PROXBOX_NETBOX_TOKEN is not set."}, "a file")
	ProxmoxURL = text(Setting{Name: "proxmox_url", Env: "PROXBOX_PROXMOX_URL",
		Doc: "For the commands sync, plan and endpoints add: the Proxmox VE, in place of the stored ones. The service does not read it."},
		"an address such as https://pve1.example.org:8006")
	ProxmoxTokenID = text(Setting{Name: "proxmox_token_id", Env: "PROXBOX_PROXMOX_TOKEN_ID",
		Doc: "For the same commands: the API token's whole name."}, "user@realm!name")
	ProxmoxTokenSecret = secretText(Setting{Name: "proxmox_token_secret", Env: "PROXBOX_PROXMOX_TOKEN_SECRET",
		Doc: "For the same commands: the API token's secret."})
	ProxmoxTokenSecretFile = text(Setting{Name: "proxmox_token_secret_file", Env: "PROXBOX_PROXMOX_TOKEN_SECRET_FILE",
		Doc: "A file with that secret, read when PROXBOX_PROXMOX_TOKEN_SECRET is not set."}, "a file")
	ProxmoxUsername = text(Setting{Name: "proxmox_username", Env: "PROXBOX_PROXMOX_USERNAME",
		Doc: "For the same commands: the user that logs in with a password, where there is no API token."}, "user@realm")
	ProxmoxPassword = secretText(Setting{Name: "proxmox_password", Env: "PROXBOX_PROXMOX_PASSWORD",
		Doc: "For the same commands: the password of that user."})
	ProxmoxPasswordFile = text(Setting{Name: "proxmox_password_file", Env: "PROXBOX_PROXMOX_PASSWORD_FILE",
		Doc: "A file with that password, read when PROXBOX_PROXMOX_PASSWORD is not set."}, "a file")
	Insecure = boolean(Setting{Name: "insecure", Env: "PROXBOX_INSECURE", Default: "false",
		Doc: "For the same commands: take any certificate of the endpoints that the flags or these variables name."})
)

// NetBox.
var (
	NetBoxTimeout = seconds(Setting{Name: "netbox_timeout", Env: "PROXBOX_NETBOX_TIMEOUT", Plugin: plugin("120"), Default: "120",
		Doc: "How long one request to NetBox may take."}, 1, 3600)
	NetBoxMaxConcurrent = integer(Setting{Name: "netbox_max_concurrent", Env: "PROXBOX_NETBOX_MAX_CONCURRENT", Plugin: plugin("1"), Default: "2",
		Doc: "Requests to NetBox in flight, reads and writes together; fewer while NetBox is slow or errs."}, 1, 64)
	NetBoxMaxRetries = integer(Setting{Name: "netbox_max_retries", Env: "PROXBOX_NETBOX_MAX_RETRIES", Plugin: plugin("5"), Default: "5",
		Doc: "How often a request to NetBox that failed for a passing reason is tried again."}, 0, 100)
	NetBoxRetryDelay = seconds(Setting{Name: "netbox_retry_delay", Env: "PROXBOX_NETBOX_RETRY_DELAY", Plugin: plugin("2.00"), Default: "2.0",
		Doc: "The wait before the first of them; it doubles each time, and Retry-After goes before it."}, 0, 300)
	NetBoxGetCacheTTL = seconds(Setting{Name: "netbox_get_cache_ttl", Env: "PROXBOX_NETBOX_GET_CACHE_TTL", Plugin: plugin("60.00"), Default: "60",
		Doc: "How long answers of NetBox are kept for the pass-through routes, and how long stages of one sync share what was read; 0 to ask anew each time."}, 0, 86_400)
	NetBoxGetCacheMaxEntries = integer(Setting{Name: "netbox_get_cache_max_entries", Env: "PROXBOX_NETBOX_GET_CACHE_MAX_ENTRIES", Plugin: plugin("4096"), Default: "4096",
		Doc: "Answers that are kept."}, 1, 10_000_000)
	NetBoxGetCacheMaxBytes = integer(Setting{Name: "netbox_get_cache_max_bytes", Env: "PROXBOX_NETBOX_GET_CACHE_MAX_BYTES", Plugin: plugin("52428800"), Default: "52428800",
		Doc: "Bytes of answers that are kept."}, 0, 1<<40)
	DebugCache = boolean(Setting{Name: "debug_cache", Env: "PROXBOX_DEBUG_CACHE", Plugin: plugin("false"), Default: "false",
		Doc: "Log what that cache does, at level debug."})
	BulkBatchSize = integer(Setting{Name: "bulk_batch_size", Env: "PROXBOX_BULK_BATCH_SIZE", Plugin: plugin("50"), Default: "50",
		Doc: "Objects in one bulk write; fewer when the request would grow too large."}, 1, 1000)
	BulkBatchDelay = milliseconds(Setting{Name: "bulk_batch_delay_ms", Env: "PROXBOX_BULK_BATCH_DELAY_MS", Plugin: plugin("500"), Default: "0",
		Doc: "The pause after each bulk write."}, 0, 600_000)
	BackupBatchSize = integer(Setting{Name: "backup_batch_size", Env: "PROXBOX_BACKUP_BATCH_SIZE", Plugin: plugin("5"), Default: "50",
		Doc: "Backups in one bulk write."}, 1, 1000)
	BackupBatchDelay = milliseconds(Setting{Name: "backup_batch_delay_ms", Env: "PROXBOX_BACKUP_BATCH_DELAY_MS", Plugin: plugin("200"), Default: "0",
		Doc: "The pause after each bulk write of backups."}, 0, 600_000)
	TagParts = boolean(Setting{Name: "tag_parts", Env: "PROXBOX_TAG_PARTS", Default: "false",
		Doc: "Give the tag proxbox to interfaces, disks, addresses and the plugin's rows too, as the Python service does, from NetBox 4.6 on to those that are there already as well; a MAC address goes with its interface. A tag costs NetBox as much as half an object."})
)

// Proxmox VE.
var (
	ProxmoxTimeout = seconds(Setting{Name: "proxmox_timeout", Env: "PROXBOX_PROXMOX_TIMEOUT", Plugin: plugin("5"), Default: "30",
		Doc: "How long one request to Proxmox may take, unless the endpoint says otherwise."}, 1, 3600)
	ProxmoxMaxRetries = integer(Setting{Name: "proxmox_max_retries", Env: "PROXBOX_PROXMOX_MAX_RETRIES", Plugin: plugin("0"), Default: "2",
		Doc: "How often a request to Proxmox that failed for a passing reason is tried again, unless the endpoint says otherwise."}, 0, 100)
	ProxmoxRetryBackoff = seconds(Setting{Name: "proxmox_retry_backoff", Env: "PROXBOX_PROXMOX_RETRY_BACKOFF", Plugin: plugin("0.50"), Default: "0.5",
		Doc: "The wait before the first of them; it doubles each time."}, 0, 300)
	VMSyncMaxConcurrency = integer(Setting{Name: "vm_sync_max_concurrency", Env: "PROXBOX_VM_SYNC_MAX_CONCURRENCY", Plugin: plugin("4"), Default: "4",
		Doc: "Guests of one node that are read at once."}, 1, 64)
	FetchMaxConcurrency = integer(Setting{Name: "proxbox_fetch_max_concurrency", Env: "PROXBOX_FETCH_MAX_CONCURRENCY", Plugin: plugin("8"), Param: "fetch_max_concurrency", Default: "8",
		Doc: "Requests to one endpoint in flight."}, 1, 256)
	GuestAgentTimeout = seconds(Setting{Name: "guest_agent_timeout", Env: "PROXBOX_GUEST_AGENT_TIMEOUT", Default: "15",
		Doc: "How long a guest agent may take to answer."}, 1, 600)
	TaskHistoryLimit = integer(Setting{Name: "task_history_limit", Env: "PROXBOX_TASK_HISTORY_LIMIT", Default: "500",
		Doc: "How many of its latest tasks are read of each node."}, 1, 100_000)
	TaskHistoryAge = days(Setting{Name: "task_history_days", Env: "PROXBOX_TASK_HISTORY_DAYS", Default: "90",
		Doc: "How old a task may be that is written to the task history; 0 for no bound. Older rows stay in NetBox as they are."}, 0, 36_500)
	VMConfigFetchTimeout = seconds(Setting{Name: "vm_config_fetch_timeout_seconds", Env: "PROXBOX_VM_CONFIG_FETCH_TIMEOUT_SECONDS", Default: "0",
		Doc: "How long reading the configuration of one guest may take; 0 for as long as any request to Proxmox."}, 0, 3600)
)

// What is left out of every run. Patterns have * for any text and ? for any
// character, and say nothing of case.
var (
	FilterTags = patterns(Setting{Name: "filter_tags", Env: "PROXBOX_FILTER_TAGS",
		Doc: "Sync only guests that have one of these tags in Proxmox."})
	FilterExcludeTags = patterns(Setting{Name: "filter_exclude_tags", Env: "PROXBOX_FILTER_EXCLUDE_TAGS",
		Doc: "Do not sync guests that have one of these tags."})
	FilterPools = patterns(Setting{Name: "filter_pools", Env: "PROXBOX_FILTER_POOLS",
		Doc: "Sync only guests in one of these resource pools."})
	FilterExcludePools = patterns(Setting{Name: "filter_exclude_pools", Env: "PROXBOX_FILTER_EXCLUDE_POOLS",
		Doc: "Do not sync guests in one of these pools."})
	FilterNames = patterns(Setting{Name: "filter_names", Env: "PROXBOX_FILTER_NAMES",
		Doc: "Sync only guests with one of these names."})
	FilterExcludeNames = patterns(Setting{Name: "filter_exclude_names", Env: "PROXBOX_FILTER_EXCLUDE_NAMES",
		Doc: "Do not sync guests with one of these names."})
	FilterNodes = patterns(Setting{Name: "filter_nodes", Env: "PROXBOX_FILTER_NODES",
		Doc: "Sync only guests on one of these nodes. The nodes themselves are synced all the same."})
	FilterExcludeNodes = patterns(Setting{Name: "filter_exclude_nodes", Env: "PROXBOX_FILTER_EXCLUDE_NODES",
		Doc: "Do not sync guests on one of these nodes."})
	FilterTemplates = choice(Setting{Name: "filter_templates", Env: "PROXBOX_FILTER_TEMPLATES", Default: "include",
		Doc: "Sync templates beside other guests, or not, or nothing but templates."},
		"include", "exclude", "only")
	FilterStorages = patterns(Setting{Name: "filter_storages", Env: "PROXBOX_FILTER_STORAGES",
		Doc: "Sync only these storages, and the backups on them."})
	FilterExcludeStorages = patterns(Setting{Name: "filter_exclude_storages", Env: "PROXBOX_FILTER_EXCLUDE_STORAGES",
		Doc: "Do not sync these storages, nor the backups on them."})
	FilterExcludeInterfaces = patterns(Setting{Name: "filter_exclude_interfaces", Env: "PROXBOX_FILTER_EXCLUDE_INTERFACES",
		Doc: "Do not sync interfaces of guests with one of these names, in Proxmox (net1), in the guest (docker*) or in NetBox, nor their addresses."})
	FilterSubnets = networks(Setting{Name: "filter_subnets", Env: "PROXBOX_FILTER_SUBNETS",
		Doc: "Sync only addresses in these networks."})
	FilterIgnoreSubnets = networks(Setting{Name: "filter_ignore_subnets", Env: "PROXBOX_FILTER_IGNORE_SUBNETS",
		Doc: "Do not sync addresses in these networks."})
)

// What a run does. Each of these can be given as a query parameter for one
// run, and the plugin gives them for one endpoint; see Flags.
var (
	UseGuestAgentInterfaceName = boolean(Setting{Name: "use_guest_agent_interface_name", Plugin: plugin("true"), Param: "use_guest_agent_interface_name", Default: "true",
		Doc: "With release 0.0.15, and with legacy_rename: name VM interfaces as the guest agent does."})
	VMInterfaceSyncStrategy = choice(Setting{Name: "vm_interface_sync_strategy", Plugin: plugin0029("guest_os_model"), Param: "vm_interface_sync_strategy", Default: "guest_os_model",
		Doc: "guest_os_model keeps VM interfaces named netN and puts the guest's own into the plugin's rows; legacy_rename renames them."},
		GuestOSModel, LegacyRename)
	IgnoreIPv6LinkLocal = boolean(Setting{Name: "ignore_ipv6_link_local_addresses", Plugin: plugin("true"), Param: "ignore_ipv6_link_local_addresses", Default: "true",
		Doc: "Leave out addresses in fe80::/10."})
	PrimaryIPPreference = choice(Setting{Name: "primary_ip_preference", Plugin: plugin("ipv4"), Param: "primary_ip_preference", Default: "ipv4",
		Doc: "Which of a guest's addresses are made first. NetBox has a primary address for each family, and both are set; which of the two it shows is NetBox's own setting PREFER_IPV4."},
		IPv4, IPv6)
	ParseDescriptionMetadata = boolean(Setting{Name: "parse_description_metadata", Plugin: plugin("false"), Param: "parse_description_metadata", Default: "false",
		Doc: "Apply the netbox-metadata block in the notes of a guest: NetBox ids of its role, platform, tenant and type."})
	SyncVMPlatformFromGuestAgent = boolean(Setting{Name: "sync_vm_platform_from_guest_agent", Param: "sync_vm_platform_from_guest_agent", Default: "false",
		Doc: "Take the platform from what the guest agent says of its operating system, one request more a running guest with an agent."})
	DNSNameFromGuestAgent = boolean(Setting{Name: "dns_name_from_guest_agent", Env: "PROXBOX_DNS_NAME_FROM_GUEST_AGENT", Default: "false",
		Doc: "Take the DNS name of a virtual machine's addresses from the host name that its guest agent tells, as the Python service does; one request more a running guest with an agent. Containers have theirs from their configuration."})
	DeleteOrphans = boolean(Setting{Name: "delete_orphans", Env: "PROXBOX_DELETE_ORPHANS", Plugin: plugin("false"), Default: "false",
		Doc: "Mark guests, nodes and storages that are gone from Proxmox as gone in NetBox: status decommissioning (a storage: not enabled) and the tag proxbox-soft-deleted. Without it they are only noticed."})
	DeleteOrphansAfter = days(Setting{Name: "delete_orphans_after_days", Env: "PROXBOX_DELETE_ORPHANS_AFTER_DAYS", Default: "0",
		Doc: "With delete_orphans: how long after that they are removed from NetBox, unless somebody uses them there or filled them in; 0 for never."}, 0, 36_500)
	NodeDeviceNameTemplate = declare(Setting{Name: "node_device_name_template", Env: "PROXBOX_NODE_DEVICE_NAME_TEMPLATE", Plugin: plugin0029("{node}"), Default: "{node}",
		Doc: "How the devices of nodes are named, unless the endpoint says otherwise."},
		"text with {node}, and with {cluster}, {cluster_slug} and {endpoint} as needed", parseNodeTemplate)
	DefaultRoleQEMU = integer(Setting{Name: "default_role_qemu", Plugin: plugin(""), Default: "0",
		Doc: "The id of the role that virtual machines get; 0 for the program's own."}, 0, 1<<53)
	DefaultRoleLXC = integer(Setting{Name: "default_role_lxc", Plugin: plugin(""), Default: "0",
		Doc: "The id of the role that containers get; 0 for the program's own."}, 0, 1<<53)

	syncModes      = declareSyncModes()
	overwriteFlags = declareOverwriteFlags()
)

// Accepted without effect, by reason.
var (
	_ = withoutEffect("One bound holds for reads and writes together: PROXBOX_NETBOX_MAX_CONCURRENT.",
		Setting{Name: "netbox_write_concurrency", Env: "PROXBOX_NETBOX_WRITE_CONCURRENCY", Plugin: plugin("8")})
	_ = withoutEffect("One bound holds for all reads of an endpoint: PROXBOX_FETCH_MAX_CONCURRENCY.",
		Setting{Name: "proxmox_fetch_concurrency", Env: "PROXBOX_PROXMOX_FETCH_CONCURRENCY", Plugin: plugin("8")},
		Setting{Name: "session_acquire_concurrency", Env: "PROXBOX_SESSION_ACQUIRE_CONCURRENCY"})
	_ = withoutEffect("Interfaces are written in bulk like everything else: PROXBOX_BULK_BATCH_SIZE and PROXBOX_BULK_BATCH_DELAY_MS.",
		Setting{Name: "interface_batch_size", Env: "PROXBOX_INTERFACE_BATCH_SIZE", Plugin: plugin0029("5")},
		Setting{Name: "interface_batch_delay_ms", Env: "PROXBOX_INTERFACE_BATCH_DELAY_MS", Plugin: plugin0029("100")})
	_ = withoutEffect("Custom fields are written in bulk, once.",
		Setting{Name: "custom_fields_request_delay", Env: "PROXBOX_CUSTOM_FIELDS_REQUEST_DELAY", Plugin: plugin("0.00")})
	_ = withoutEffect("What a sync needs in NetBox is part of its plan, and is made when something needs it; nothing is done at start.",
		Setting{Name: "ensure_netbox_objects", Env: "PROXBOX_ENSURE_NETBOX_OBJECTS", Plugin: plugin("true")},
		Setting{Name: "skip_netbox_bootstrap", Env: "PROXBOX_SKIP_NETBOX_BOOTSTRAP"},
		Setting{Name: "strict_startup", Env: "PROXBOX_STRICT_STARTUP"})
	_ = withoutEffect("An error always says what failed, where and why, and there are no Python exceptions.",
		Setting{Name: "expose_internal_errors", Env: "PROXBOX_EXPOSE_INTERNAL_ERRORS", Plugin: plugin("false")})
	_ = withoutEffect("The log goes to standard error, where systemd and containers keep it, and to /admin/logs.",
		Setting{Name: "backend_log_file_path", Plugin: plugin("/var/log/proxbox.log")})
	_ = withoutEffect("Endpoints are named by who holds an API key, and the plugin checks them before it pushes them.",
		Setting{Name: "ssrf_protection_enabled", Plugin: plugin("true")},
		Setting{Name: "allow_private_ips", Plugin: plugin("true")},
		Setting{Name: "additional_allowed_ip_ranges", Plugin: plugin("")},
		Setting{Name: "explicitly_blocked_ip_ranges", Plugin: plugin("")})
	_ = withoutEffect("The database is proxbox.db in PROXBOX_DATA_DIR. A database of the Python service is never opened.",
		Setting{Name: "database_path", Env: "PROXBOX_DATABASE_PATH"},
		Setting{Name: "database_url", Env: "DATABASE_URL"},
		Setting{Name: "allow_fresh_database_with_legacy", Env: "PROXBOX_ALLOW_FRESH_DATABASE_WITH_LEGACY"})
	_ = withoutEffect("Credentials are always encrypted.",
		Setting{Name: "allow_plaintext_credentials", Env: "PROXBOX_ALLOW_PLAINTEXT_CREDENTIALS"})
	_ = withoutEffect("One process uses every core.",
		Setting{Name: "uvicorn_workers", Env: "UVICORN_WORKERS"})
	_ = withoutEffect("The service speaks plain HTTP; put a proxy with TLS before it.",
		Setting{Name: "mkcert_cert_dir", Env: "MKCERT_CERT_DIR"},
		Setting{Name: "mkcert_extra_names", Env: "MKCERT_EXTRA_NAMES"},
		Setting{Name: "caroot", Env: "CAROOT"})
	_ = withoutEffect("There is one engine, and no schema that would have to be fetched, generated or kept.",
		Setting{Name: "reconciliation_engine", Env: "PROXBOX_RECONCILIATION_ENGINE", Plugin: plugin0029("python")},
		Setting{Name: "reconciliation_compare_strict", Plugin: plugin0029("false")},
		Setting{Name: "netbox_openapi_persist", Env: "PROXBOX_NETBOX_OPENAPI_PERSIST", Plugin: plugin0029("true")},
		Setting{Name: "generated_dir", Env: "PROXBOX_GENERATED_DIR"},
		Setting{Name: "runtime_codegen_enabled", Env: "PROXBOX_RUNTIME_CODEGEN_ENABLED"},
		Setting{Name: "execution_mode", Env: "PROXBOX_EXECUTION_MODE"},
		Setting{Name: "execution_generation", Env: "PROXBOX_EXECUTION_GENERATION"})
	_ = withoutEffect("proxbox-api demo shows the program without Proxmox and NetBox.",
		Setting{Name: "proxmox_api_mode", Env: "PROXMOX_API_MODE"})
	_ = withoutEffect("Ceph, Proxmox Backup Server and Datacenter Manager have no routes of their own here.",
		Setting{Name: "features", Env: "PROXBOX_FEATURES"})
	_ = withoutEffect("Nothing is ever written to Proxmox.",
		Setting{Name: "embed_description_metadata", Plugin: plugin("false")},
		Setting{Name: "enable_cloud_image_execution", Env: "PROXBOX_ENABLE_CLOUD_IMAGE_EXECUTION"},
		Setting{Name: "packer_binary", Env: "PROXBOX_PACKER_BINARY"},
		Setting{Name: "packer_workdir", Env: "PROXBOX_PACKER_WORKDIR"},
		Setting{Name: "enable_ceph_v2_writes", Env: "PROXBOX_ENABLE_CEPH_V2_WRITES"},
		Setting{Name: "ceph_trusted_actor_gateway", Env: "PROXBOX_CEPH_TRUSTED_ACTOR_GATEWAY"},
		Setting{Name: "ceph_task_timeout", Env: "PROXBOX_CEPH_TASK_TIMEOUT", Plugin: plugin0029("300.00")},
		Setting{Name: "ceph_task_poll_interval", Env: "PROXBOX_CEPH_TASK_POLL_INTERVAL", Plugin: plugin0029("1.00")},
		Setting{Name: "ceph_run_lease_seconds", Env: "PROXBOX_CEPH_RUN_LEASE_SECONDS", Plugin: plugin0029("360.00")},
		Setting{Name: "cloud_network_lock_enabled", Env: "PROXBOX_CLOUD_NETWORK_LOCK_ENABLED", Plugin: plugin0029("false")},
		Setting{Name: "cloud_customer_prefix_id", Env: "PROXBOX_CLOUD_CUSTOMER_PREFIX_ID", Plugin: plugin0029("")},
		Setting{Name: "cloud_customer_bridge", Env: "PROXBOX_CLOUD_CUSTOMER_BRIDGE", Plugin: plugin0029("vmbr1")},
		Setting{Name: "cloud_customer_vlan_tag", Env: "PROXBOX_CLOUD_CUSTOMER_VLAN_TAG", Plugin: plugin0029("")},
		Setting{Name: "cloud_customer_gateway", Env: "PROXBOX_CLOUD_CUSTOMER_GATEWAY", Plugin: plugin0029("")})
	_ = withoutEffect("The program reaches nodes by their API alone, never by SSH.",
		Setting{Name: "hardware_discovery_enabled", Plugin: plugin("false")},
		Setting{Name: "hardware_discovery_sync_nic_macs", Plugin: plugin0029("false")},
		Setting{Name: "ssh_key_dir", Env: "PROXBOX_SSH_KEY_DIR"},
		Setting{Name: "ssh_terminal_ticket_ttl_seconds", Env: "PROXBOX_SSH_TERMINAL_TICKET_TTL_SECONDS"},
		Setting{Name: "ssh_terminal_max_sessions", Env: "PROXBOX_SSH_TERMINAL_MAX_SESSIONS"},
		Setting{Name: "ssh_terminal_max_lifetime_seconds", Env: "PROXBOX_SSH_TERMINAL_MAX_LIFETIME_SECONDS"},
		Setting{Name: "ssh_terminal_idle_timeout_seconds", Env: "PROXBOX_SSH_TERMINAL_IDLE_TIMEOUT_SECONDS"})
	_ = withoutEffect("The plugin acts on it itself; a run is told its branch with netbox_branch_schema_id.",
		Setting{Name: "branching_enabled", Plugin: plugin("false")},
		Setting{Name: "sync_job_timeout", Plugin: plugin0029("7200")})
	_ = withoutEffect("InfluxDB is not asked.",
		Setting{Name: "allow_insecure_influx_tls", Env: "PROXBOX_ALLOW_INSECURE_INFLUX_TLS"})
)
