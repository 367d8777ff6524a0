package verify

import (
	"slices"
	"strings"

	"github.com/google/osv-scalibr/veles/secrets/anthropicapikey"
	"github.com/google/osv-scalibr/veles/secrets/circleci"
	"github.com/google/osv-scalibr/veles/secrets/cloudflareapitoken"
	"github.com/google/osv-scalibr/veles/secrets/denopat"
	"github.com/google/osv-scalibr/veles/secrets/digitaloceanapikey"
	"github.com/google/osv-scalibr/veles/secrets/discordbottoken"
	"github.com/google/osv-scalibr/veles/secrets/github"
	"github.com/google/osv-scalibr/veles/secrets/gitlabpat"
	"github.com/google/osv-scalibr/veles/secrets/herokuplatformkey"
	"github.com/google/osv-scalibr/veles/secrets/huggingfaceapikey"
	"github.com/google/osv-scalibr/veles/secrets/mistralapikey"
	"github.com/google/osv-scalibr/veles/secrets/npmjsaccesstoken"
	"github.com/google/osv-scalibr/veles/secrets/openai"
	"github.com/google/osv-scalibr/veles/secrets/openrouter"
	"github.com/google/osv-scalibr/veles/secrets/paystacksecretkey"
	"github.com/google/osv-scalibr/veles/secrets/postmanapikey"
	"github.com/google/osv-scalibr/veles/secrets/sendgrid"
	"github.com/google/osv-scalibr/veles/secrets/slacktoken"
	"github.com/google/osv-scalibr/veles/secrets/stripeapikeys"
	"github.com/google/osv-scalibr/veles/secrets/supabase"
	"github.com/google/osv-scalibr/veles/secrets/telegrambotapitoken"
)

// How a secret is sent.
const (
	asBearer = "Authorization: Bearer"
	asKey    = "X-Api-Key"
)

// Services gives all services, sorted by rule. Each request asks who the secret is of, or for a list: it changes nothing, save that a
// service may note that the secret was used. Those of veles's validators that would write, or that need more than the secret itself, are
// left out.
func Services() []Service {
	list := []Service{
		{"anthropic-api-key", "api.anthropic.com", "GET /v1/models", asKey,
			by(anthropicapikey.NewModelValidator, func(s string) anthropicapikey.ModelAPIKey { return anthropicapikey.ModelAPIKey{Key: s} })},
		{"circleci-token", "circleci.com", "GET /api/v2/me", "Circle-Token",
			by(circleci.NewPersonalAccessTokenValidator, func(s string) circleci.PersonalAccessToken { return circleci.PersonalAccessToken{Token: s} })},
		{"cloudflare-api-token", "api.cloudflare.com", "GET /client/v4/zones", asBearer,
			by(cloudflareapitoken.NewValidator, func(s string) cloudflareapitoken.CloudflareAPIToken {
				return cloudflareapitoken.CloudflareAPIToken{Token: s}
			})},
		{"deno-user-token", "api.deno.com", "GET /user", asBearer,
			by(denopat.NewUserTokenValidator, func(s string) denopat.DenoUserPAT { return denopat.DenoUserPAT{Pat: s} })},
		{"deno-organization-token", "api.deno.com", "GET /organization", asBearer,
			by(denopat.NewOrgTokenValidator, func(s string) denopat.DenoOrgPAT { return denopat.DenoOrgPAT{Pat: s} })},
		{"digitalocean-token", "api.digitalocean.com", "GET /v2/account", asBearer,
			by(digitaloceanapikey.NewValidator, func(s string) digitaloceanapikey.DigitaloceanAPIToken {
				return digitaloceanapikey.DigitaloceanAPIToken{Key: s}
			})},
		{"discord-bot-token", "discord.com", "GET /api/v10/users/@me", "Authorization: Bot",
			by(discordbottoken.NewValidator, func(s string) discordbottoken.DiscordBotToken { return discordbottoken.DiscordBotToken{Token: s} })},
		{"github-pat", "api.github.com", "GET /user", asBearer,
			by(github.NewClassicPATValidator, func(s string) github.ClassicPersonalAccessToken { return github.ClassicPersonalAccessToken{Token: s} })},
		{"github-fine-grained-pat", "api.github.com", "GET /user", asBearer,
			by(github.NewFineGrainedPATValidator, func(s string) github.FineGrainedPersonalAccessToken {
				return github.FineGrainedPersonalAccessToken{Token: s}
			})},
		{"github-oauth-token", "api.github.com", "GET /user", asBearer,
			by(github.NewOAuthTokenValidator, func(s string) github.OAuthToken { return github.OAuthToken{Token: s} })},
		{"gitlab-pat", "gitlab.com", "GET /api/v4/personal_access_tokens/self", "PRIVATE-TOKEN",
			by(gitlabpat.NewValidator, func(s string) gitlabpat.GitlabPAT { return gitlabpat.GitlabPAT{Pat: s} })},
		{"heroku-api-key", "api.heroku.com", "GET /account", asBearer,
			by(herokuplatformkey.NewValidator, func(s string) herokuplatformkey.HerokuSecret { return herokuplatformkey.HerokuSecret{Key: s} })},
		{"huggingface-token", "huggingface.co", "GET /api/whoami-v2", asBearer,
			by(huggingfaceapikey.NewValidator, func(s string) huggingfaceapikey.HuggingfaceAPIKey { return huggingfaceapikey.HuggingfaceAPIKey{Key: s} })},
		{"mistral-api-key", "api.mistral.ai", "GET /v1/models", asBearer,
			by(mistralapikey.NewValidator, func(s string) mistralapikey.MistralAPIKey { return mistralapikey.MistralAPIKey{Key: s} })},
		{"npm-access-token", "registry.npmjs.org", "GET /-/whoami", asBearer,
			by(npmjsaccesstoken.NewValidator, func(s string) npmjsaccesstoken.NpmJsAccessToken { return npmjsaccesstoken.NpmJsAccessToken{Token: s} })},
		{"openai-api-key", "api.openai.com", "GET /v1/models", asBearer,
			by(openai.NewProjectValidator, func(s string) openai.APIKey { return openai.APIKey{Key: s} })},
		{"openrouter-api-key", "openrouter.ai", "GET /api/v1/auth/key", asBearer,
			by(openrouter.NewValidator, func(s string) openrouter.APIKey { return openrouter.APIKey{Key: s} })},
		{"paystack-secret-key", "api.paystack.co", "GET /customer", asBearer,
			by(paystacksecretkey.NewValidator, func(s string) paystacksecretkey.PaystackSecret { return paystacksecretkey.PaystackSecret{Key: s} })},
		{"postman-api-key", "api.getpostman.com", "GET /me", asKey,
			by(postmanapikey.NewAPIValidator, func(s string) postmanapikey.PostmanAPIKey { return postmanapikey.PostmanAPIKey{Key: s} })},
		{"sendgrid-api-key", "api.sendgrid.com", "GET /v3/user/account", asBearer,
			by(sendgrid.NewValidator, func(s string) sendgrid.APIKey { return sendgrid.APIKey{Key: s} })},
		{"slack-app-token", "slack.com", "POST /api/auth.test", asBearer,
			by(slacktoken.NewAppLevelTokenValidator, func(s string) slacktoken.SlackAppLevelToken { return slacktoken.SlackAppLevelToken{Token: s} })},
		{"slack-config-token", "slack.com", "POST /api/auth.test", asBearer,
			by(slacktoken.NewAppConfigAccessTokenValidator, func(s string) slacktoken.SlackAppConfigAccessToken {
				return slacktoken.SlackAppConfigAccessToken{Token: s}
			})},
		{"stripe-secret-key", "api.stripe.com", "GET /v1/accounts", "Authorization: Basic",
			by(stripeapikeys.NewSecretKeyValidator, func(s string) stripeapikeys.StripeSecretKey { return stripeapikeys.StripeSecretKey{Key: s} })},
		{"stripe-restricted-key", "api.stripe.com", "GET /v1/accounts", "Authorization: Basic",
			by(stripeapikeys.NewRestrictedKeyValidator, func(s string) stripeapikeys.StripeRestrictedKey { return stripeapikeys.StripeRestrictedKey{Key: s} })},
		{"supabase-token", "api.supabase.com", "GET /v1/projects", asBearer,
			by(supabase.NewPATValidator, func(s string) supabase.PAT { return supabase.PAT{Token: s} })},
		{"telegram-bot-token", "api.telegram.org", "POST /bot{token}/getMe", "the path",
			by(telegrambotapitoken.NewValidator, func(s string) telegrambotapitoken.TelegramBotAPIToken {
				return telegrambotapitoken.TelegramBotAPIToken{Token: s}
			})},
	}
	slices.SortFunc(list, func(a, b Service) int { return strings.Compare(a.Rule, b.Rule) })
	return list
}
