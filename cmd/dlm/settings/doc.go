// Package settings turns the command line, the environment, the configuration file and the token
// file into the settings of `dlm server`. It decides no setting and starts nothing.
//
// A setting has one name in all its sources: --max-conns on the command line, DLM_MAX_CONNS in
// the environment, max-conns in the file. The first source that has it wins, in that order, and
// then the default. Load reports every problem of every source together, because a person mends
// a configuration file once, not once per mistake.
//
//	s := settings.New(version, commit)  defaults of this machine
//	s.AddFlags(cmd.Flags())             flags keep their text, and are not parsed yet
//	err := s.Load(cmd.Flags(), settings.ReadEnvironment(os.Environ()))
//
// Secrets have no flag, because every user of the machine can read a command line: tokens come
// from the token file or from DLM_ADMIN_TOKEN.
//
// To add a setting, add a line to AddFlags in options.go: help, variable and key of the file
// follow from it. A rule about the setting alone belongs into its parser (parse.go), a rule of
// the engine into engine.Config.Validate, and a rule between settings of the command beside
// validateAddresses.
//
// The package has no goroutines.
package settings
