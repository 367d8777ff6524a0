package detect

import (
	"regexp"

	"tidewaiter/match"
)

// tokenRules are for credentials that show what they are by their first characters, as their services document them, as far as veles
// has no detector for them. A token begins with its word, to the letter.
func tokenRules() []rule {
	return []rule{
		token("aws-access-key-id", "AWS access key ID", match.High, `[A-Z0-9]{16}`, "AKIA", "ASIA", "ABIA", "ACCA"),
		token("aws-bedrock-api-key", "Amazon Bedrock API key", match.Critical, `[A-Za-z0-9+/]{109,269}={0,2}`, "ABSK"),
		token("github-pat", "GitHub personal access token", match.Critical, `[A-Za-z0-9]{36}`, "ghp_"),
		token("github-oauth-token", "GitHub OAuth access token", match.Critical, `[A-Za-z0-9]{36}`, "gho_"),
		token("github-app-token", "GitHub app token", match.High, `[A-Za-z0-9]{36}`, "ghs_", "ghu_"),
		token("github-refresh-token", "GitHub app refresh token", match.High, `(?:[A-Za-z0-9]{76}|[A-Za-z0-9]{36})`, "ghr_"),
		token("github-fine-grained-pat", "GitHub fine-grained personal access token", match.Critical, `\w{82}`, "github_pat_"),
		token("gitlab-pat", "GitLab personal access token", match.Critical, `[\w-]{20}`, "glpat-"),
		token("pypi-token", "PyPI API token", match.Critical, `[\w-]{50,550}`, "pypi-AgEIcHlwaS5vcmc"),
		token("rubygems-api-key", "RubyGems API key", match.Critical, `[a-f0-9]{48}`, "rubygems_"),
		token("stripe-secret-key", "Stripe secret key", match.Critical, `[A-Za-z0-9]{10,99}`, "sk_live_", "rk_live_"),
		token("1password-service-account-token", "1Password service account token", match.Critical, `[A-Za-z0-9+/]{250,}={0,3}`, "ops_eyJ"),
		token("adobe-client-secret", "Adobe client secret", match.High, `[a-zA-Z0-9]{32}`, "p8e-"),
		token("age-secret-key", "age secret key", match.High, `[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}`, "AGE-SECRET-KEY-1"),
		token("airtable-token", "Airtable personal access token", match.High, `[A-Za-z0-9]{14}\.[a-f0-9]{64}`, "pat"),
		token("alibaba-access-key-id", "Alibaba Cloud access key ID", match.High, `[A-Za-z0-9]{17,24}`, "LTAI"),
		token("artifactory-api-key", "Artifactory API key", match.High, `[A-Za-z0-9]{69}`, "AKCp"),
		token("artifactory-reference-token", "Artifactory reference token", match.High, `[A-Za-z0-9]{59}`, "cmVmd"),
		token("atlassian-api-token", "Atlassian API token", match.High, `[A-Za-z0-9_\-=]{100,250}`, "ATATT3"),
		token("bitbucket-app-password", "Bitbucket app password", match.High, `[A-Za-z0-9_\-=]{20,250}`, "ATBB", "ATCTT3"),
		token("clojars-token", "Clojars deploy token", match.High, `(?i)[a-z0-9]{60}`, "CLOJARS_"),
		token("cloudflare-origin-ca-key", "Cloudflare origin CA key", match.High, `[a-f0-9]{24}-[a-f0-9]{146}`, "v1.0-"),
		token("databricks-token", "Databricks access token", match.High, `[a-h0-9]{32}(?:-\d)?`, "dapi"),
		token("defined-networking-token", "Defined Networking API token", match.High, `[a-z0-9=_\-]{26}-[a-z0-9=_\-]{52}`, "dnkey-"),
		token("digitalocean-oauth-token", "DigitalOcean OAuth token", match.High, `[a-f0-9]{64}`, "doo_v1_", "dor_v1_"),
		token("docker-swarm-join-token", "Docker swarm join token", match.High, `[a-z0-9]{50}-[a-z0-9]{25}`, "SWMTKN-1-"),
		token("docker-organization-token", "Docker organization access token", match.High, `[A-Za-z0-9_-]{27,40}`, "dckr_oat_"),
		token("doppler-token", "Doppler token", match.High, `(?:pt|st(?:\.[a-z0-9_-]{2,35})?|ct|sa|scim|audit)\.[A-Za-z0-9]{40,44}`, "dp."),
		token("duffel-token", "Duffel API token", match.High, `(?:test|live)_[A-Za-z0-9_\-=]{43}`, "duffel_"),
		token("dynatrace-token", "Dynatrace API token", match.High, `[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}`, "dt0c01.", "dt0s01.", "dt0s02."),
		token("easypost-api-key", "EasyPost API key", match.High, `[A-Za-z0-9]{54}`, "EZAK", "EZTK"),
		token("facebook-page-token", "Facebook access token", match.High, `[A-Za-z0-9]{90,300}`, "EAAM", "EAAC"),
		token("figma-token", "Figma personal access token", match.High, `[A-Za-z0-9_-]{40,60}`, "figd_"),
		token("flutterwave-secret-key", "Flutterwave secret key", match.High, `(?:_TEST)?-(?:[a-hA-H0-9]{32}-X|[a-hA-H0-9]{12})|_TEST[a-hA-H0-9]{12}`, "FLWSECK"),
		token("flyio-token", "Fly.io access token", match.High, `[\w-]{43}`, "fo1_"),
		token("flyio-token", "Fly.io access token", match.High, `[a-zA-Z0-9+/]{100,}={0,3}`, "fm1r_", "fm1a_", "fm2_"),
		token("frameio-token", "Frame.io API token", match.High, `[A-Za-z0-9\-_=]{64}`, "fio-u-"),
		token("gcp-api-key", "Google API key", match.Medium, `[\w-]{35}`, "AIza"),
		token("gitlab-token", "GitLab token", match.High, `[0-9a-zA-Z_\-.]{20,320}`, "glcbt-", "gldt-", "glffct-", "glft-", "glimt-", "glagent-", "gloas-", "glptt-", "glrt-", "glrtr-", "glsoat-", "glwt-"),
		token("gitlab-runner-registration-token", "GitLab runner registration token", match.High, `[\w-]{20}`, "GR1348941"),
		token("gocardless-token", "GoCardless access token", match.High, `[A-Za-z0-9\-_=]{40}`, "live_"),
		token("grafana-api-key", "Grafana API key", match.High, `[A-Za-z0-9]{70,400}={0,3}`, "eyJrIjoi"),
		token("grafana-cloud-token", "Grafana Cloud access token", match.High, `[A-Za-z0-9+/]{32,400}={0,3}`, "glc_"),
		token("grafana-service-account-token", "Grafana service account token", match.High, `[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}`, "glsa_"),
		token("groq-api-key", "Groq API key", match.High, `[A-Za-z0-9]{52}`, "gsk_"),
		token("harness-token", "Harness access token", match.High, `[a-zA-Z0-9_-]{22}\.[a-zA-Z0-9]{24}\.[a-zA-Z0-9]{20}`, "pat.", "sat."),
		token("huggingface-organization-token", "Hugging Face organization token", match.High, `[A-Za-z]{34}`, "api_org_"),
		token("huggingface-token", "Hugging Face access token", match.High, `[A-Za-z0-9]{34,40}`, "hf_"),
		within("infracost-token", "Infracost API token", match.Medium, `(?:^|[^\w.-])(ico-[a-zA-Z0-9]{32})\b`, 1, 40, "ico-"),
		token("intra42-secret", "Intra42 client secret", match.Medium, `(?:ud|af)-[a-f0-9]{64}`, "s-s4t2"),
		token("langsmith-api-key", "LangSmith API key", match.High, `(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}`, "lsv2_"),
		token("linear-api-key", "Linear API key", match.High, `[A-Za-z0-9]{40}`, "lin_api_"),
		token("mailgun-api-key", "Mailgun API key", match.High, `[a-f0-9]{32}`, "key-"),
		token("mapbox-secret-token", "Mapbox secret token", match.High, `[A-Za-z0-9_-]{60,100}\.[A-Za-z0-9_-]{22}`, "sk.eyJ"),
		token("newrelic-key", "New Relic key", match.High, `[A-Za-z0-9]{27,32}`, "NRAK-", "NRII-"),
		token("npm-access-token", "npm access token", match.Critical, `[a-zA-Z0-9]{36}`, "npm_"),
		token("notion-token", "Notion integration token", match.High, `[A-Za-z0-9]{40,50}`, "ntn_"),
		token("nuget-api-key", "NuGet API key", match.High, `[a-z0-9]{43}`, "oy2"),
		token("octopus-api-key", "Octopus Deploy API key", match.High, `[A-Z0-9]{26}`, "API-"),
		token("openai-api-key", "OpenAI API key", match.Critical, `[A-Za-z0-9_-]{40,200}`, "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"),
		token("openshift-token", "OpenShift user token", match.High, `[\w-]{43}`, "sha256~"),
		token("planetscale-credential", "PlanetScale credential", match.High, `(?:tkn|oauth|pw)_[\w=.-]{32,64}`, "pscale_"),
		token("prefect-token", "Prefect API token", match.High, `[a-zA-Z0-9]{36}`, "pnu_"),
		token("packagist-token", "Private Packagist token", match.High, `[A-Fa-f0-9]{68}`, "packagist_ort_", "packagist_out_", "packagist_uut_", "packagist_urt_", "packagist_acs_", "packagist_act_", "packagist_cut_"),
		token("pulumi-token", "Pulumi access token", match.High, `[a-f0-9]{40}`, "pul-"),
		token("readme-token", "ReadMe API token", match.Medium, `[a-z0-9]{70}`, "rdme_"),
		token("replicate-token", "Replicate API token", match.High, `[A-Za-z0-9]{37}`, "r8_"),
		token("scalingo-token", "Scalingo API token", match.High, `us-[\w-]{48}`, "tk-"),
		token("sendinblue-api-key", "Brevo (Sendinblue) API key", match.High, `[a-f0-9]{64}-[A-Za-z0-9]{16}`, "xkeysib-", "xsmtpsib-"),
		token("sentry-token", "Sentry token", match.High, `[A-Za-z0-9+/=_]{60,500}`, "sntrys_", "sntryu_"),
		token("settlemint-token", "SettleMint access token", match.Medium, `(?:aat|pat|sat)_[a-zA-Z0-9]{16}`, "sm_"),
		token("shippo-token", "Shippo API token", match.High, `(?:live|test)_[a-fA-F0-9]{40}`, "shippo_"),
		token("shopify-token", "Shopify token", match.High, `[a-fA-F0-9]{32}`, "shpat_", "shpca_", "shppa_", "shpss_"),
		token("slack-token", "Slack token", match.High, `(?:\d+-){1,3}[0-9a-zA-Z-]{8,180}|[0-9a-zA-Z]{20,180}`, "xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.xoxb-", "xoxe.xoxp-"),
		token("slack-app-token", "Slack app-level token", match.High, `\d-[A-Za-z0-9]+-\d+-[A-Za-z0-9]{20,80}`, "xapp-"),
		token("snyk-token", "Snyk access token", match.High, `[A-Za-z0-9._-]{40,300}`, "snyk_uat."),
		token("sonar-token", "SonarQube token", match.High, `[a-z0-9]{40}`, "squ_", "sqp_", "sqa_"),
		token("sourcegraph-token", "Sourcegraph access token", match.High, `(?:(?:[a-fA-F0-9]{16}|local)_)?[a-fA-F0-9]{40}`, "sgp_"),
		token("square-access-token", "Square access token", match.High, `[\w-]{22,60}`, "sq0atp-"),
		token("stripe-test-key", "Stripe test key", match.Low, `[a-zA-Z0-9]{10,99}`, "sk_test_", "rk_test_", "sk_prod_", "rk_prod_"),
		token("tailscale-key", "Tailscale key", match.High, `(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,}`, "tskey-"),
		within("terraform-cloud-token", "Terraform Cloud token", match.Critical, `\b([a-zA-Z0-9]{14}\.atlasv1\.[a-zA-Z0-9\-_=]{60,70})`, 15, 90, ".atlasv1."),
		within("slack-webhook", "Slack webhook", match.High, `hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{40,80})`, 1, 120, "hooks.slack.com/"),
		within("teams-webhook", "Microsoft Teams webhook", match.Medium, `[a-z0-9]+\.webhook\.office\.com/webhookb2/([a-z0-9@-]{60,90}/IncomingWebhook/[a-z0-9]{32}/[a-z0-9-]{36})`, 64, 260, ".webhook.office.com/"),
		within("discord-webhook", "Discord webhook", match.Medium, `/api/webhooks/([0-9]{17,20}/[A-Za-z0-9_-]{60,80})`, 1, 130, "/api/webhooks/"),
		within("azure-client-secret", "Microsoft Entra client secret", match.Critical, `(?:^|[^\w.~-])([\w~.]{3}\dQ~[\w~.-]{31,34})(?:$|[^\w~.-])`, 6, 44, "0Q~", "1Q~", "2Q~", "3Q~", "4Q~", "5Q~", "6Q~", "7Q~", "8Q~", "9Q~"),
		within("azure-connection-key", "key in an Azure connection string", match.Critical, `(?i)(?:AccountKey|SharedAccessKey|AccessKey|SharedSecret)=([A-Za-z0-9+/]{43,88}={0,2})`, 1, 120, "AccountKey=", "SharedAccessKey=", "AccessKey=", "SharedSecret="),
		within("azure-sas-token", "Azure shared access signature", match.High, `[?&]sig=([A-Za-z0-9%+/=]{40,80})`, 1, 90, "&sig=", "?sig="),
		within("mailchimp-api-key", "Mailchimp API key", match.High, `\b([0-9a-f]{32}-us[0-9]{1,2})\b`, 34, 8, "-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"),
		within("maxmind-license-key", "MaxMind license key", match.Low, `\b([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)\b`, 38, 6, "_mmk"),
		within("facebook-app-token", "Facebook app token", match.High, `\b(\d{15,16}(?:\||%7C)[0-9A-Za-z_-]{27,40})\b`, 1, 90, "access_token", "facebook"),
		within("json-web-token", "JSON web token", match.Medium, `\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,})`, 1, 2000, "eyJ"),
		within("http-basic-authorization", "credentials of an HTTP request", match.High, `(?i)authorization["']?\s*[:=,]\s*["']?basic\s+([A-Za-z0-9+/]{10,300}={0,2})`, 1, 340, "authorization"),
		within("http-authorization", "credentials of an HTTP request", match.High, `(?i)authorization["']?\s*[:=,]\s*["']?(?:bearer|token|apikey)\s+["']?([A-Za-z0-9_~/-][A-Za-z0-9_~.+/-]{15,600}={0,2})`, 1, 650, "authorization"),
		token("twilio-api-key", "Twilio API key", match.Medium, `[0-9a-fA-F]{31}`, "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7", "SK8", "SK9", "SKa", "SKb", "SKc", "SKd", "SKe", "SKf"),
		token("typeform-token", "Typeform token", match.Medium, `[A-Za-z0-9\-_.=]{59}`, "tfp_"),
		token("vault-token", "HashiCorp Vault token", match.Critical, `[A-Za-z0-9]{24}`, "vault_token=s.", "X-Vault-Token: s."),
		token("yandex-token", "Yandex Cloud key", match.High, `[A-Za-z0-9_\-]{35,38}`, "AQVN"),
	}
}

// token is for a credential that begins with one of the words and goes on as a regular expression says.
func token(id, title string, severity match.Level, rest string, words ...string) rule {
	after := regexp.MustCompile(`^(?:` + rest + `)`)
	return rule{id: id, title: title, severity: severity, words: words, at: func(p *passage, at int) []hit {
		if at < p.token || !p.program && at > 0 && isWordByte(p.data[at-1]) && !escapedBefore(p.data, at) {
			return nil
		}
		for _, w := range words {
			end := at + len(w)
			if end > len(p.data) || string(p.data[at:end]) != w {
				continue
			}
			if m := after.FindIndex(p.data[end:min(len(p.data), end+maxToken)]); m != nil {
				p.token = end + m[1]
				return []hit{{start: at, end: p.token, raw: string(p.data[at:p.token])}}
			}
		}
		return nil
	}}
}

// maxToken is the length, in bytes, up to which tokens are known.
const maxToken = 2000

// within is for what a regular expression finds around one of the words, in so many bytes before and after it. Its first group is the secret.
func within(id, title string, severity match.Level, expression string, before, after int, words ...string) rule {
	re := regexp.MustCompile(expression)
	return rule{id: id, title: title, severity: severity, words: words, before: before, after: after, in: func(p *passage, from, to int) []hit {
		var hits []hit
		for _, m := range re.FindAllSubmatchIndex(p.data[from:to], -1) {
			start, end := from+m[2], from+m[3]
			hits = append(hits, hit{start: start, end: end, raw: string(p.data[start:end])})
		}
		return hits
	}}
}
