package detect

import (
	"bytes"

	"github.com/google/osv-scalibr/veles"
	"github.com/google/osv-scalibr/veles/secrets/anthropicapikey"
	"github.com/google/osv-scalibr/veles/secrets/awsaccesskey"
	"github.com/google/osv-scalibr/veles/secrets/azurestorageaccountaccesskey"
	"github.com/google/osv-scalibr/veles/secrets/azuretoken"
	"github.com/google/osv-scalibr/veles/secrets/bitwardenoauth2access"
	"github.com/google/osv-scalibr/veles/secrets/circleci"
	"github.com/google/osv-scalibr/veles/secrets/cloudflareapitoken"
	"github.com/google/osv-scalibr/veles/secrets/cratesioapitoken"
	"github.com/google/osv-scalibr/veles/secrets/cursorapikey"
	"github.com/google/osv-scalibr/veles/secrets/denopat"
	"github.com/google/osv-scalibr/veles/secrets/digitaloceanapikey"
	"github.com/google/osv-scalibr/veles/secrets/discordbottoken"
	"github.com/google/osv-scalibr/veles/secrets/dockerhubpat"
	"github.com/google/osv-scalibr/veles/secrets/elasticcloudapikey"
	"github.com/google/osv-scalibr/veles/secrets/gcpapikey"
	"github.com/google/osv-scalibr/veles/secrets/gcpexpressmode"
	"github.com/google/osv-scalibr/veles/secrets/gcpoauth2access"
	"github.com/google/osv-scalibr/veles/secrets/gcpoauth2client"
	"github.com/google/osv-scalibr/veles/secrets/gcshmackey"
	"github.com/google/osv-scalibr/veles/secrets/github"
	"github.com/google/osv-scalibr/veles/secrets/gitlabpat"
	"github.com/google/osv-scalibr/veles/secrets/grokxaiapikey"
	"github.com/google/osv-scalibr/veles/secrets/hashicorpvault"
	"github.com/google/osv-scalibr/veles/secrets/hcp"
	"github.com/google/osv-scalibr/veles/secrets/herokuplatformkey"
	"github.com/google/osv-scalibr/veles/secrets/huggingfaceapikey"
	"github.com/google/osv-scalibr/veles/secrets/npmjsaccesstoken"
	"github.com/google/osv-scalibr/veles/secrets/onepasswordkeys"
	"github.com/google/osv-scalibr/veles/secrets/openai"
	"github.com/google/osv-scalibr/veles/secrets/openrouter"
	"github.com/google/osv-scalibr/veles/secrets/packagist"
	"github.com/google/osv-scalibr/veles/secrets/paystacksecretkey"
	"github.com/google/osv-scalibr/veles/secrets/perplexityapikey"
	"github.com/google/osv-scalibr/veles/secrets/postmanapikey"
	"github.com/google/osv-scalibr/veles/secrets/pypiapitoken"
	"github.com/google/osv-scalibr/veles/secrets/pyxkeyv1"
	"github.com/google/osv-scalibr/veles/secrets/pyxkeyv2"
	"github.com/google/osv-scalibr/veles/secrets/recaptchakey"
	"github.com/google/osv-scalibr/veles/secrets/rubygemsapikey"
	"github.com/google/osv-scalibr/veles/secrets/salesforceoauth2access"
	"github.com/google/osv-scalibr/veles/secrets/salesforceoauth2client"
	"github.com/google/osv-scalibr/veles/secrets/salesforceoauth2refresh"
	"github.com/google/osv-scalibr/veles/secrets/sendgrid"
	"github.com/google/osv-scalibr/veles/secrets/slacktoken"
	"github.com/google/osv-scalibr/veles/secrets/squareapikey"
	"github.com/google/osv-scalibr/veles/secrets/stripeapikeys"
	"github.com/google/osv-scalibr/veles/secrets/supabase"
	"github.com/google/osv-scalibr/veles/secrets/telegrambotapitoken"
	"github.com/google/osv-scalibr/veles/secrets/tinkkeyset"

	"tidewaiter/match"
)

// velesRules are the detectors of veles that find what is a secret by its own form, or by a word that stands near. It has others: for
// private keys, web tokens and URLs there are rules that know what is an example; cookies and CSRF tokens are no secrets of an image.
// They are in the order of their services' names.
func velesRules() []rule {
	return []rule{
		of("anthropic-api-key", "Anthropic API key", match.Critical, anthropicapikey.NewDetector(), anthropicKey, "sk-ant-"),
		of("aws-secret-access-key", "AWS secret access key", match.Critical, awsaccesskey.NewDetector(), func(s awsaccesskey.Credentials) string { return s.Secret }, "AKIA", "ASIA"),
		of("azure-storage-key", "Azure storage account key", match.Critical, azurestorageaccountaccesskey.NewDetector(), func(s azurestorageaccountaccesskey.AzureStorageAccountAccessKey) string { return s.Key }, "azure", "az storage"),
		of("azure-access-token", "Azure access token", match.High, azuretoken.NewDetector(), azureToken, "eyJ"),
		of("bitwarden-client-secret", "Bitwarden client secret", match.High, bitwardenoauth2access.NewDetector(), func(s bitwardenoauth2access.Token) string { return s.ClientSecret }, "_token_apiKeyClientSecret"),
		of("circleci-token", "CircleCI personal access token", match.High, circleci.NewPersonalAccessTokenDetector(), func(s circleci.PersonalAccessToken) string { return s.Token }, "CCIPAT_"),
		of("circleci-project-token", "CircleCI project token", match.High, circleci.NewProjectTokenDetector(), func(s circleci.ProjectToken) string { return s.Token }, "CCIPRJ_"),
		of("cloudflare-api-token", "Cloudflare API token", match.High, cloudflareapitoken.NewDetector(), func(s cloudflareapitoken.CloudflareAPIToken) string { return s.Token }, "cloudflare_", "cf_api_", "cf_token", "cf_account_id"),
		of("crates-io-token", "crates.io API token", match.High, cratesioapitoken.NewDetector(), func(s cratesioapitoken.CratesIOAPItoken) string { return s.Token }, "cio"),
		of("cursor-api-key", "Cursor API key", match.High, cursorapikey.NewDetector(), func(s cursorapikey.APIKey) string { return s.Key }, "key_"),
		of("deno-user-token", "Deno Deploy user token", match.High, denopat.NewUserTokenDetector(), func(s denopat.DenoUserPAT) string { return s.Pat }, "ddp_"),
		of("deno-organization-token", "Deno Deploy organization token", match.High, denopat.NewOrgTokenDetector(), func(s denopat.DenoOrgPAT) string { return s.Pat }, "ddo_"),
		of("digitalocean-token", "DigitalOcean API token", match.Critical, digitaloceanapikey.NewDetector(), func(s digitaloceanapikey.DigitaloceanAPIToken) string { return s.Key }, "dop_v1_"),
		of("discord-bot-token", "Discord bot token", match.High, discordbottoken.NewDetector(), func(s discordbottoken.DiscordBotToken) string { return s.Token }, "discord"),
		of("docker-hub-token", "Docker Hub access token", match.High, dockerhubpat.NewDetector(), func(s dockerhubpat.DockerHubPAT) string { return s.Pat }, "dckr_pat_"),
		of("elastic-cloud-api-key", "Elastic Cloud API key", match.High, elasticcloudapikey.NewDetector(), func(s elasticcloudapikey.ElasticCloudAPIKey) string { return s.Key }, "essu_"),
		of("gcp-api-key", "Google API key", match.Medium, gcpapikey.NewDetector(), func(s gcpapikey.GCPAPIKey) string { return s.Key }, "AIzaSy"),
		of("gcp-express-mode-key", "Google Vertex AI express mode key", match.High, gcpexpressmode.NewDetector(), func(s gcpexpressmode.APIKey) string { return s.Key }, "AQ.Ab8R"),
		of("gcp-oauth-access-token", "Google OAuth access token", match.Medium, gcpoauth2access.NewDetector(), func(s gcpoauth2access.Token) string { return s.Token }, "ya29."),
		of("gcp-oauth-client-secret", "Google OAuth client secret", match.High, gcpoauth2client.NewDetector(), func(s gcpoauth2client.Credentials) string { return s.Secret }, "GOCSPX-"),
		of("gcp-hmac-key", "Google Cloud Storage HMAC key", match.Critical, gcshmackey.NewDetector(), func(s gcshmackey.HMACKey) string { return s.Secret }, "GOOG"),
		of("github-refresh-token", "GitHub app refresh token", match.High, github.NewAppRefreshTokenDetector(), func(s github.AppRefreshToken) string { return s.Token }, "ghr_", "Z2hyX"),
		of("github-app-token", "GitHub app installation token", match.High, github.NewAppS2STokenDetector(), func(s github.AppServerToServerToken) string { return s.Token }, "ghs_", "Z2hzX"),
		of("github-app-user-token", "GitHub app user token", match.High, github.NewAppU2SDetector(), func(s github.AppUserToServerToken) string { return s.Token }, "ghu_", "Z2h1X"),
		of("github-pat", "GitHub personal access token", match.Critical, github.NewClassicPATDetector(), func(s github.ClassicPersonalAccessToken) string { return s.Token }, "ghp_", "Z2hwX"),
		of("github-fine-grained-pat", "GitHub fine-grained personal access token", match.Critical, github.NewFineGrainedPATDetector(), func(s github.FineGrainedPersonalAccessToken) string { return s.Token }, "github_pat_", "Z2l0aHViX3BhdF"),
		of("github-oauth-token", "GitHub OAuth access token", match.Critical, github.NewOAuthTokenDetector(), func(s github.OAuthToken) string { return s.Token }, "gho_", "Z2hvX"),
		of("gitlab-pat", "GitLab personal access token", match.Critical, gitlabpat.NewDetector(), func(s gitlabpat.GitlabPAT) string { return s.Pat }, "glpat-"),
		of("xai-api-key", "xAI API key", match.High, grokxaiapikey.NewAPIKeyDetector(), func(s grokxaiapikey.GrokXAIAPIKey) string { return s.Key }, "xai-"),
		of("xai-management-key", "xAI management key", match.High, grokxaiapikey.NewManagementKeyDetector(), func(s grokxaiapikey.GrokXAIManagementKey) string { return s.Key }, "xai-token-"),
		of("vault-token", "HashiCorp Vault token", match.Critical, hashicorpvault.NewTokenDetector(), func(s hashicorpvault.Token) string { return s.Token }, "hvs.", "hvb."),
		of("vault-approle-secret", "HashiCorp Vault AppRole secret ID", match.High, hashicorpvault.NewAppRoleDetector(), func(s hashicorpvault.AppRoleCredentials) string { return s.SecretID }, "secret_id", "secret-id", "secretid"),
		of("hcp-client-secret", "HashiCorp Cloud client secret", match.Critical, hcp.NewPairDetector(), func(s hcp.ClientCredentials) string { return s.ClientSecret }, "hcp_client_secret"),
		of("heroku-api-key", "Heroku platform key", match.High, herokuplatformkey.NewSecretKeyDetector(), func(s herokuplatformkey.HerokuSecret) string { return s.Key }, "HRKU-"),
		of("huggingface-token", "Hugging Face access token", match.High, huggingfaceapikey.NewDetector(), func(s huggingfaceapikey.HuggingfaceAPIKey) string { return s.Key }, "hf_"),
		of("npm-access-token", "npm access token", match.Critical, npmjsaccesstoken.NewDetector(), func(s npmjsaccesstoken.NpmJsAccessToken) string { return s.Token }, "npm_"),
		of("1password-secret-key", "1Password secret key", match.High, onepasswordkeys.NewSecretKeyDetector(), func(s onepasswordkeys.OnePasswordSecretKey) string { return s.Key }, "A3-"),
		of("1password-service-account-token", "1Password service account token", match.Critical, onepasswordkeys.NewServiceTokenDetector(), func(s onepasswordkeys.OnePasswordServiceToken) string { return s.Key }, "ops_eyJ"),
		of("1password-recovery-code", "1Password recovery code", match.High, onepasswordkeys.NewRecoveryTokenDetector(), func(s onepasswordkeys.OnePasswordRecoveryCode) string { return s.Key }, "1PRK-"),
		of("openai-api-key", "OpenAI API key", match.Critical, openai.NewDetector(), func(s openai.APIKey) string { return s.Key }, "T3BlbkFJ"),
		of("openrouter-api-key", "OpenRouter API key", match.High, openrouter.NewDetector(), func(s openrouter.APIKey) string { return s.Key }, "sk-or-v"),
		of("packagist-api-secret", "Private Packagist API secret", match.High, packagist.NewAPISecretDetector(), func(s packagist.APISecret) string { return s.Secret }, "packagist_acs_"),
		of("packagist-organization-token", "Private Packagist organization token", match.High, packagist.NewOrgReadTokenDetector(), func(s packagist.OrgReadToken) string { return s.Token }, "packagist_ort_"),
		of("packagist-organization-update-token", "Private Packagist organization update token", match.High, packagist.NewOrgUpdateTokenDetector(), func(s packagist.OrgUpdateToken) string { return s.Token }, "packagist_out_"),
		of("packagist-user-update-token", "Private Packagist user update token", match.High, packagist.NewUserUpdateTokenDetector(), func(s packagist.UserUpdateToken) string { return s.Token }, "packagist_uut_"),
		of("packagist-conductor-token", "Private Packagist conductor token", match.High, packagist.NewConductorUpdateTokenDetector(), func(s packagist.ConductorUpdateToken) string { return s.Token }, "packagist_cut_"),
		of("paystack-secret-key", "Paystack secret key", match.High, paystacksecretkey.NewSecretKeyDetector(), func(s paystacksecretkey.PaystackSecret) string { return s.Key }, "sk_"),
		of("perplexity-api-key", "Perplexity API key", match.High, perplexityapikey.NewDetector(), func(s perplexityapikey.PerplexityAPIKey) string { return s.Key }, "pplx-"),
		of("postman-api-key", "Postman API key", match.High, postmanapikey.NewAPIKeyDetector(), func(s postmanapikey.PostmanAPIKey) string { return s.Key }, "PMAK-"),
		of("postman-collection-token", "Postman collection token", match.Medium, postmanapikey.NewCollectionTokenDetector(), func(s postmanapikey.PostmanCollectionToken) string { return s.Key }, "PMAT-"),
		of("pypi-token", "PyPI API token", match.Critical, pypiapitoken.NewDetector(), func(s pypiapitoken.PyPIAPIToken) string { return s.Token }, "pypi-A"),
		of("pyx-key", "pyx key", match.High, pyxkeyv1.NewDetector(), func(s pyxkeyv1.PyxKeyV1) string { return s.Key }, "sk-pyx-"),
		of("pyx-key", "pyx key", match.High, pyxkeyv2.NewDetector(), func(s pyxkeyv2.PyxKeyV2) string { return s.Key }, "sk-pyx-"),
		of("recaptcha-secret", "reCAPTCHA secret", match.Medium, recaptchakey.NewDetector(), func(s recaptchakey.Key) string { return s.Secret }, "captcha"),
		of("rubygems-api-key", "RubyGems API key", match.Critical, rubygemsapikey.NewDetector(), func(s rubygemsapikey.RubyGemsAPIKey) string { return s.Key }, "rubygems_"),
		of("salesforce-access-token", "Salesforce access token", match.High, salesforceoauth2access.NewDetector(), func(s salesforceoauth2access.Token) string { return s.Token }, "00D"),
		of("salesforce-client-secret", "Salesforce client secret", match.High, salesforceoauth2client.NewDetector(), func(s salesforceoauth2client.Credentials) string { return s.Secret }, "3MVG"),
		of("salesforce-refresh-token", "Salesforce refresh token", match.High, salesforceoauth2refresh.NewDetector(), func(s salesforceoauth2refresh.Credentials) string { return s.Refresh }, "3MVG"),
		of("sendgrid-api-key", "SendGrid API key", match.High, sendgrid.NewDetector(), func(s sendgrid.APIKey) string { return s.Key }, "SG."),
		of("slack-app-token", "Slack app-level token", match.High, slacktoken.NewAppLevelTokenDetector(), func(s slacktoken.SlackAppLevelToken) string { return s.Token }, "xapp-"),
		of("slack-config-token", "Slack configuration access token", match.High, slacktoken.NewAppConfigAccessTokenDetector(), func(s slacktoken.SlackAppConfigAccessToken) string { return s.Token }, "xoxe.xoxp-"),
		of("slack-config-refresh-token", "Slack configuration refresh token", match.High, slacktoken.NewAppConfigRefreshTokenDetector(), func(s slacktoken.SlackAppConfigRefreshToken) string { return s.Token }, "xoxe-"),
		of("square-access-token", "Square access token", match.High, squareapikey.NewPersonalAccessTokenDetector(), func(s squareapikey.SquarePersonalAccessToken) string { return s.Key }, "EAAA"),
		of("square-oauth-secret", "Square OAuth secret", match.High, squareapikey.NewOAuthApplicationSecretDetector(), func(s squareapikey.SquareOAuthApplicationSecret) string { return s.Key }, "sq0csp-"),
		of("stripe-secret-key", "Stripe secret key", match.Critical, stripeapikeys.NewSecretKeyDetector(), func(s stripeapikeys.StripeSecretKey) string { return s.Key }, "sk_live_"),
		of("stripe-restricted-key", "Stripe restricted key", match.High, stripeapikeys.NewRestrictedKeyDetector(), func(s stripeapikeys.StripeRestrictedKey) string { return s.Key }, "rk_live_"),
		of("stripe-webhook-secret", "Stripe webhook secret", match.High, stripeapikeys.NewWebhookSecretDetector(), func(s stripeapikeys.StripeWebhookSecret) string { return s.Key }, "whsec_"),
		of("supabase-token", "Supabase personal access token", match.High, supabase.NewPATDetector(), func(s supabase.PAT) string { return s.Token }, "sbp_"),
		of("supabase-secret-key", "Supabase secret key", match.High, supabase.NewProjectSecretKeyDetector(), func(s supabase.ProjectSecretKey) string { return s.Key }, "sb_secret_"),
		of("supabase-service-role-key", "Supabase service role key", match.Critical, supabase.NewServiceRoleJWTDetector(), func(s supabase.ServiceRoleJWT) string { return s.Token }, "eyJ"),
		of("telegram-bot-token", "Telegram bot token", match.High, telegrambotapitoken.NewDetector(), func(s telegrambotapitoken.TelegramBotAPIToken) string { return s.Token }, "telegram", "tgram"),
		of("tink-keyset", "Tink key set in clear", match.High, tinkkeyset.NewDetector(), func(s tinkkeyset.TinkKeySet) string { return s.Content }, "primaryKeyId", "dHlwZS5nb29nbGVhcGlz"),
	}
}

// of has a detector of veles look wherever a word stands. The words are its own, so that it looks nowhere in vain. The text of the secret is what the detector says is secret of it.
func of[T veles.Secret](id, title string, severity match.Level, d veles.Detector, text func(T) string, words ...string) rule {
	reach := int(d.MaxSecretLen()) + 1
	return rule{id: id, title: title, severity: severity, words: words, before: reach, after: reach, in: func(t *passage, from, to int) []hit {
		window := t.data[from:to]
		secrets, places := d.Detect(window)
		var hits []hit
		for i, s := range secrets {
			one, ok := s.(T)
			if !ok || text(one) == "" {
				continue
			}
			raw, at := text(one), places[i]
			if after := bytes.Index(window[at:], []byte(raw)); after >= 0 {
				at += after
			} else if before := bytes.Index(window, []byte(raw)); before >= 0 {
				at = before
			}
			hits = append(hits, hit{start: from + at, end: min(from+at+len(raw), to), raw: raw})
		}
		return hits
	}}
}

func anthropicKey(s veles.Secret) string {
	switch s := s.(type) {
	case anthropicapikey.ModelAPIKey:
		return s.Key
	case anthropicapikey.WorkspaceAPIKey:
		return s.Key
	}
	return ""
}

func azureToken(s veles.Secret) string {
	switch s := s.(type) {
	case azuretoken.AzureAccessToken:
		return s.Token
	case azuretoken.AzureIdentityToken:
		return s.Token
	}
	return ""
}
