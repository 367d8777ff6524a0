package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/trust"
	"tidewaiter/trust/approval"
)

// bindOptions are what the user asked of a binding.
type bindOptions struct {
	imageOptions
	signingOptions
	config       configFile
	environments []string
	exposure     string
	reason       string
	until        string
}

func newAttestBind(s streams) *cobra.Command {
	var o bindOptions
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "bind IMAGE --env E --reason TEXT",
		Short: "Sign for which environments an image is meant, such as internal ones only",
		Long: `States that IMAGE may run in the environments of --env alone, or where the exposure is that of --exposure at most, signs that, and attaches
it to IMAGE. Gates honour it where whoever signed is trusted (tidewaiter.yaml: trust): in any other environment the goal binding is
not met, whatever else is. Of several bindings all must allow it.

Whoever can delete from the registry can take a binding away. An environment that must not run without one demands it by the goal
attestations, with the predicate ` + trust.BindingV1 + `.

` + signingHelp + `

Exit codes:
  0  done
  1  the tool or its input failed: nothing was attached`,
		Example: `  tidewaiter attest bind --env staging --reason 'not reviewed yet' --until 2027-01-31 --key security.key ghcr.io/acme/shop:2.1
  tidewaiter attest bind --exposure controlled --reason 'internal only: it has no login' --key security.key oci:build/admin`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.bind(cmd.Context(), s, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.environments, "env", nil, "an environment that it may run in; may repeat")
	f.StringVar(&o.exposure, "exposure", "", "the widest exposure that it may have: "+strings.Join(exposures(), ", "))
	f.StringVar(&o.reason, "reason", "", "one sentence for whoever is stopped by it")
	f.StringVar(&o.until, "until", "", "the first day on which it is bound no more (2027-01-31); without it the binding stays")
	offer(cmd, "exposure", exposures()...)
	addConfigFlag(f, &o.config)
	o.addSigning(f)
	o.addPlace(f)
	return cmd
}

func (o *bindOptions) bind(ctx context.Context, s streams, ref string) error {
	if err := o.checkSigning(); err != nil {
		return err
	}
	switch {
	case len(o.environments) == 0 && o.exposure == "":
		return errors.New("--env or --exposure is missing: where may the image run?")
	case strings.TrimSpace(o.reason) == "":
		return errors.New("--reason is missing: one sentence for whoever is stopped by the binding")
	}
	b := approval.Binding{Environments: o.environments, Exposure: o.exposure, Reason: o.reason, Time: s.now().Truncate(time.Second), Until: o.until}
	if err := b.Check(exposures()); err != nil {
		return fmt.Errorf("the binding: %w", err)
	}
	for _, name := range o.environments {
		if err := knownEnvironment(o.config.settings(), name); err != nil {
			return fmt.Errorf("--env: %w", err)
		}
	}
	if o.until != "" && o.until <= b.Time.Format(time.DateOnly) {
		return fmt.Errorf("--until %s is no day to come", o.until)
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return err
	}
	defer im.Close()
	return o.attest(ctx, s, o.source(), im, trust.BindingV1, b)
}
