// Package durability decides which table a server serves, and where the table comes from: memory,
// the images of a data directory, a primary that a backup follows, or a promotion. It owns the data
// directory. It does not know commands, connections or loops.
//
// A Store is that part of a server. Its State is the table with the role of the server, the grace
// and the longest TTL. The engine asks for the State, and never where it came from:
//
//	Open -> Memory                                    no directory
//	Open -> Primary --StepDown, Finish--> stopped     images, START
//	Open -> Backup  --Promote--> Primary              images of another
//
// A State is replaced as a whole, by a backup with each image and by a promotion once.
//
// # The rules of a start
//
// Decide (plan.go) takes Facts about the data directory and returns a Plan. It reads no file and no
// clock. recover.go carries the Plan out. The simulation of the recovery in
// table/recovery_*_test.go runs Decide too, and takes out one rule after the other.
//
// # Goroutines
//
//	name      owns                                     ended by
//	imager    the images, Start.TokenCeiling, START    Stop
//	follower  the images of a backup                   Stop, a promotion
//	tell      nothing                                  the answer of a primary
//
// A simulation does not call Start. Then no goroutine runs, and it takes the steps itself:
// UpdateImage, WriteImage, ExtendTokens, FollowOnce.
//
// # Order of locks
//
//	Store.promoting | one shard of the table, for some records
//	imager.mu and follower.mu, around their state only
package durability
